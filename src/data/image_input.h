#pragma once

#include <cstddef>
#include <span>

#include "data/dataset.h"
#include "data/preprocess.h"

namespace q8 {

// Images as the input of a model: [N, C, H, W] or [N, H, W, C] (or without N) as the preprocessing
// says, in the input's type.
class ImageInput {
 public:
  // Throws bad_input where the model's declared shape cannot hold what the preprocessing makes:
  // another rank, number of channels or layout, or (with SizeMismatch::kError) another size.
  ImageInput(const InputSpec& input, const PreprocessConfig& config,
             DatasetOptions::SizeMismatch size_mismatch);

  // Decodes, preprocesses, checks and adds the batch axis.
  Tensor load(std::span<const std::byte> encoded) const;

 private:
  Shape fed_shape(PixelSize size) const;
  void check_layout() const;

  InputSpec input_;
  PreprocessConfig config_;
  std::optional<PreprocessConfig> squeezed_;  // straight to the model's size, if that may be
  bool has_batch_ = true;
};

}  // namespace q8
