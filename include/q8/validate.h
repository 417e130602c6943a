#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "q8/data.h"
#include "q8/host.h"

namespace q8 {

// What both models made of the samples of one class.
struct ClassResult {
  std::int64_t index = 0;  // as the labels count it
  std::string name = {};
  std::int64_t samples = 0, fp32_correct = 0, int8_correct = 0;

  double fp32() const { return static_cast<double>(fp32_correct) / static_cast<double>(samples); }
  double int8() const { return static_cast<double>(int8_correct) / static_cast<double>(samples); }
  double drop() const { return fp32() - int8(); }
  bool operator==(const ClassResult&) const = default;
};

// INT8 against FP32 on one output, over all samples.
struct OutputResult {
  std::string name = {};
  double sqnr_db = 0;             // +inf where nothing differs, −inf where nothing is left
  double max_abs_difference = 0;  // of finite values
  std::int64_t not_finite = 0;    // values that are NaN or infinite in one model alone
  std::int64_t not_compared = 0;  // samples for which the models gave different shapes
};

// Shares, 0…1, of the samples that have a label.
struct Accuracy {
  double top1 = 0, top5 = 0;
};

// What a layer's products of bytes would meet on narrower hardware, over all samples.
struct LayerOverflowResult {
  std::string name = {}, type = {};  // the node that q8 runs: after fusion
  // Sums of two neighbouring products, and those that do not fit 16 bits.
  std::int64_t pairs = 0, saturated = 0;
  std::int64_t largest_sum = 0;  // the largest |accumulator|; from 2³¹ on 32 bits are too few

  bool wraps_around() const { return largest_sum > 2147483647; }
  double share_of_s32() const { return static_cast<double>(largest_sum) / 2147483648.0; }
};

struct Gate {
  std::string name = {};  // as its option: max-drop, min-class-accuracy, min-sqnr, min-agreement
  double value = 0, limit = 0;
  std::string unit = {};  // "share" (0…1) or "dB"
  bool passed = false;
  std::string subject = {};  // the class it is about; empty: all samples
};

// What `q8 validate` found. The same for every number of threads.
struct Validation {
  std::int64_t samples = 0;
  std::int64_t labelled = 0;  // of those, samples with a label
  // Whether output 0 is a row of two or more values (all other dimensions are 1), which can be the
  // scores of classes. Where it is not, as with detectors, labels say nothing about it.
  bool has_class_scores = false;
  std::optional<Accuracy> fp32 = {}, int8 = {};  // where there are scores and labels
  std::optional<double> agreement = {};  // where there are scores: share of samples for which both
                                         // models pick the same class
  // 10·log10(Σ fp32² / Σ (fp32 − int8)²) over all outputs; those of integers (indices, classes)
  // count where there are no others.
  double sqnr_db = 0;
  double max_abs_difference = 0;
  std::vector<ClassResult> classes = {};  // those with samples, by index
  std::vector<OutputResult> outputs = {};
  std::vector<Gate> gates = {};
  // Asked for only: the INT8 model's layers that multiply bytes, in the order they run.
  std::optional<std::vector<LayerOverflowResult>> overflow = {};

  bool passed() const;
};

// Nothing: not asked for. Accuracies and drops are shares, 0…1.
struct GateLimits {
  std::optional<double> max_drop = {};            // of top-1
  std::optional<double> min_class_accuracy = {};  // of the INT8 model, of every class
  std::optional<double> min_agreement = {};
  std::optional<double> min_sqnr_db = {};
};

struct ReportFile {
  std::string format;  // one of report_formats()
  std::filesystem::path path;
};

struct ReportFormat {
  std::string name, help;
};
std::vector<ReportFormat> report_formats();

struct ValidateJob {
  std::filesystem::path fp32;  // empty: the model that the profile was made of
  std::filesystem::path int8;  // empty: <fp32's stem>.int8.onnx in the working directory
  // Of another model than fp32 it is an error. Empty: that in the working directory which the INT8
  // model was made with, else the only one that was made of fp32, if any.
  std::filesystem::path calibration;
  DataPaths data;                            // empty: the profile's data without its samples
  std::optional<std::int64_t> samples = {};  // at most, spread evenly; nothing: all
  std::int64_t label_offset = 0;             // output index of class 0
  // The input that is 0 where a position is padding, which is not compared; empty: the one that
  // calibration was told of, if any.
  std::string mask = {};
  bool allow_overlap = false;  // samples that calibration saw are no error
  // Where max_drop is not given it is 1 %, if there are labels.
  GateLimits gates;
  bool check_overflow = false;      // several times slower
  bool per_class = false;           // in the text
  std::vector<ReportFile> reports;  // written whether gates hold or not; "-": into `output`
};

struct ValidateResult {
  Validation validation;
  std::string text;    // tables for a terminal
  std::string output;  // the reports whose path is "-"
};

// Throws Error: usage where models are not found, bad_input where the INT8 model or the profile was
// made of another float model, where a sample was seen by calibration, where no sample is left, and
// where a gate needs labels or class scores that are not there.
ValidateResult validate_models(const ValidateJob& job, const Host& host);

}  // namespace q8
