#pragma once

#include <map>
#include <optional>
#include <vector>

#include "calib/profile.h"
#include "plan/plan.h"
#include "recover/channel_groups.h"
#include "recover/column_rows.h"

namespace q8 {

// What factors of a group are judged by.
struct FactorSource {
  const Graph& graph;  // as it is now: other groups may have been scaled
  const QuantizationPlan& plan;
  const CalibrationProfile& profile;
  const std::map<ValueId, ColumnRows>& rows;
  bool with_all_samples = false;  // extrema are the profile's, not only those of the rows
};

// The error that the layers which read a group are expected to have at their outputs, relative to
// these, in one number: what they read is rounded and clipped, as the rows show it, with the best
// of a few ranges; their weights are rounded, and so are weights before them that share one scale.
class FactorError {
 public:
  // Both must outlive this.
  FactorError(const ChannelGroup& group, const FactorSource& source);

  // Whether any of it depends on the factors: some reader reads integers.
  bool depends_on_factors() const;
  double of(const std::vector<float>& factors) const;

  // By channel: max|x| of what the readers read, max|w| of the weights that meet it, and of those
  // that make it (zeros where something else does).
  const std::vector<double>& reach() const { return reach_; }
  const std::vector<double>& weight_reach() const { return weight_reach_; }
  std::vector<double> maker_reach() const;

 private:
  // What rounds a value that is stored in integers.
  struct Grid {
    float levels = 255;  // steps between the ends of the range
    bool symmetric = false;
  };
  struct ReadValue {
    ValueId id = kNoValue;
    const ColumnRows* rows = nullptr;
    std::optional<Grid> grid;  // nothing: it stays float
    // By column.
    std::vector<std::int64_t> channels;
    std::vector<float> low, high;
    std::vector<double> mean_square;
    std::vector<double> weight_energy;  // Σ w², relative to the energy of the readers' outputs
  };

  void add(const ChannelReader& reader);
  std::size_t value_of(const ChannelReader& reader);
  void take_extrema(ReadValue& value);
  const ConstantPlan* planned_weights(NodeId node) const;
  double weight_rounding(std::size_t reader, const std::vector<float>& factors) const;
  double maker_rounding(const DividedConstant& maker, const std::vector<float>& factors) const;
  static double rounding_of(const ReadValue& value, const std::vector<float>& factors);

  const ChannelGroup& group_;
  const FactorSource& source_;
  std::vector<ReadValue> values_;
  std::vector<std::size_t> read_by_;  // by reader: index of the value
  std::vector<double> energies_;      // by reader
  std::vector<double> reach_, weight_reach_;
};

}  // namespace q8
