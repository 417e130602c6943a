#include <algorithm>
#include <cstring>

#include "ops/element_type.h"
#include "ops/families.h"

namespace q8 {
namespace {

OpFunction make_cast(const NodeContext& node) {
  const DType to = element_type(node.attributes().need_int("to"));
  return [to](RunContext& run) { run.set_output(0, cast(run.input(0), to, run.allocator)); };
}

OpFunction make_cast_like(const NodeContext&) {
  return [](RunContext& run) {
    run.set_output(0, cast(run.input(0), run.input(1).dtype(), run.allocator));
  };
}

// The same bits under another type of the same width.
OpFunction make_bit_cast(const NodeContext& node) {
  const DType to = element_type(node.attributes().need_int("to"));
  return [to](RunContext& run) {
    const Tensor& x = run.input(0);
    if (dtype_size(x.dtype()) != dtype_size(to))
      throw bad_input("the bits of " + x.str() + " cannot be seen as " +
                      std::string(dtype_name(to)) + ": the widths differ");
    Tensor& y = run.output(0, to, x.shape());
    std::memcpy(y.mutable_bytes(), x.bytes(), x.size_bytes());
  };
}

OpFunction make_identity(const NodeContext&) {
  return [](RunContext& run) { run.set_output(0, run.input(0)); };
}

// At inference nothing is dropped: the mask, where it is asked for, is all true.
OpFunction make_dropout(const NodeContext& node) {
  const bool has_mask = node.output_count() > 1 && node.node.outputs[1] != kNoValue;
  return [has_mask](RunContext& run) {
    const Tensor& x = run.input(0);
    if (run.has_input(2) && run.input(2).to_int64s().at(0) != 0 &&
        (!run.has_input(1) || run.input(1).to_floats().at(0) != 0.0f))
      throw unsupported("training_mode=1: q8 does not train");
    if (has_mask) {
      Tensor& mask = run.output(1, DType::kBool, x.shape());
      std::fill_n(mask.mutable_data<bool>(), mask.size(), true);
    }
    run.set_output(0, x);
  };
}

constexpr OpRow kRows[] = {
    {"", "Cast", make_cast, QuantRole::kFloat, false},
    {"", "CastLike", make_cast_like, QuantRole::kFloat, false},
    {"", "BitCast", make_bit_cast, QuantRole::kFloat, false},
    {"", "Identity", make_identity, QuantRole::kMoves, false},
    {"", "Dropout", make_dropout, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> cast_operators() {
  return kRows;
}

}  // namespace q8
