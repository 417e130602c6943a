#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace q8 {

// Looks at the samples as they pass and says what seems wrong with them for calibration. Warnings,
// never errors: odd data may be meant so. Memory: a few numbers per input, a hash per sample.
class DataChecks {
 public:
  // `dataset` gives the inputs, the preprocessing and the classes; it must outlive the object.
  explicit DataChecks(const Dataset& dataset);
  ~DataChecks();
  DataChecks(const DataChecks&) = delete;
  DataChecks& operator=(const DataChecks&) = delete;

  void add(const Sample& sample);

  // Whole sentences, in a fixed order, of what was added so far:
  //   - samples with identical content, which count twice
  //   - samples whose values are all the same, and NaN or infinite values
  //   - image_mean and image_std made for 0…1 on pixels 0…255, or the other way round
  //   - normalized images whose mean or spread is far from 0 and 1
  //   - float inputs with a channel axis and values 0…255 that nothing normalizes (raw pixels?)
  //   - classes of which no sample was seen
  std::vector<std::string> warnings() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace q8
