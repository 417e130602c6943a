#include <algorithm>
#include <cstring>

#include "ops/families.h"

namespace q8 {
namespace {

// A node's bodies stand in RunContext::subgraphs in the order of the attributes' names:
// else_branch, then_branch; body.

bool truth(const Tensor& condition) {
  if (condition.dtype() != DType::kBool || condition.size() != 1)
    throw bad_input("the condition is " + condition.str() + ", not one bool");
  return *condition.data<bool>();
}

OpFunction make_if(const NodeContext& node) {
  (void)node.attributes().need_graph("then_branch");
  (void)node.attributes().need_graph("else_branch");
  return [](RunContext& run) {
    constexpr std::size_t kElse = 0, kThen = 1;
    std::vector<Tensor> results = run.subgraphs[truth(run.input(0)) ? kThen : kElse]->run({});
    if (results.size() < run.output_count())
      throw bad_input("a branch has " + std::to_string(results.size()) + " outputs, the node " +
                      std::to_string(run.output_count()));
    for (std::size_t i = 0; i < run.output_count(); ++i) run.set_output(i, std::move(results[i]));
  };
}

// Slices of one shape, stacked along a new axis once all of them are there.
class Stack {
 public:
  void push(Tensor slice) {
    if (!slices_.empty() &&
        (slice.shape() != slices_[0].shape() || slice.dtype() != slices_[0].dtype()))
      throw bad_input("an iteration gives " + slice.str() + ", the first one gave " +
                      slices_[0].str());
    slices_.push_back(std::move(slice));
  }
  // `backwards`: the last slice first. `like` tells type and shape where there are no slices.
  Tensor stacked(std::int64_t given, bool backwards, const Value& like, Allocator& allocator) {
    DType dtype = like.type.dtype.value_or(DType::kF32);
    std::vector<std::int64_t> dims;
    if (!slices_.empty()) {
      dtype = slices_[0].dtype();
      dims.assign(slices_[0].shape().begin(), slices_[0].shape().end());
    } else if (like.type.dims) {
      for (const std::int64_t dim : *like.type.dims) dims.push_back(std::max<std::int64_t>(dim, 0));
    }
    const Shape slice(dims);
    dims.push_back(0);
    const std::int64_t axis = Shape(dims).normalize_axis(given);
    dims.pop_back();
    const auto count = static_cast<std::int64_t>(slices_.size());
    dims.insert(dims.begin() + axis, count);
    Tensor y(dtype, Shape(std::move(dims)), allocator);
    const auto block =
        static_cast<std::size_t>(slice.count(axis, slice.rank())) * dtype_size(dtype);
    std::byte* target = y.mutable_bytes();
    for (std::int64_t o = 0; o < slice.count(0, axis); ++o)
      for (std::int64_t i = 0; i < count; ++i, target += block)
        std::memcpy(target,
                    slices_[static_cast<std::size_t>(backwards ? count - 1 - i : i)].bytes() +
                        static_cast<std::size_t>(o) * block,
                    block);
    return y;
  }

 private:
  std::vector<Tensor> slices_;
};

// Loop: the body takes (iteration, condition, state…) and gives (condition, state…, slice…).
OpFunction make_loop(const NodeContext& node) {
  const auto body = node.attributes().need_graph("body");
  const std::size_t states = body->inputs().size() < 2 ? 0 : body->inputs().size() - 2;
  if (body->inputs().size() < 2 || body->outputs().size() < 1 + states ||
      node.input_count() != states + 2 || node.output_count() > body->outputs().size() - 1)
    throw bad_input("the body's inputs and outputs do not fit the Loop");
  return [body, states](RunContext& run) {
    std::vector<Tensor> inputs{Tensor::scalar<std::int64_t>(0), Tensor::scalar(true)};
    if (run.has_input(1)) inputs[1] = run.input(1);
    for (std::size_t i = 0; i < states; ++i) inputs.push_back(run.input(i + 2));
    const bool has_limit = run.has_input(0);
    const std::int64_t limit = has_limit ? run.input(0).to_int64s().at(0) : 0;
    std::vector<Stack> stacks(body->outputs().size() - 1 - states);
    for (std::int64_t i = 0; (!has_limit || i < limit) && truth(inputs[1]); ++i) {
      inputs[0] = Tensor::scalar(i);
      std::vector<Tensor> outputs = run.subgraphs[0]->run(inputs);
      for (std::size_t k = 0; k < stacks.size(); ++k)
        stacks[k].push(std::move(outputs[1 + states + k]));
      for (std::size_t k = 0; k <= states; ++k) inputs[k + 1] = std::move(outputs[k]);
    }
    for (std::size_t k = 0; k < run.output_count(); ++k)
      run.set_output(k, k < states
                            ? inputs[k + 2]
                            : stacks[k - states].stacked(
                                  0, false, body->value(body->outputs()[k + 1]), run.allocator));
  };
}

// Element i along an axis, without that axis.
Tensor slice_at(const Tensor& x, std::int64_t axis, std::int64_t i, Allocator& allocator) {
  std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
  dims.erase(dims.begin() + axis);
  Tensor y(x.dtype(), Shape(std::move(dims)), allocator);
  const auto block =
      static_cast<std::size_t>(x.shape().count(axis + 1, x.rank())) * dtype_size(x.dtype());
  for (std::int64_t o = 0; o < x.shape().count(0, axis); ++o)
    std::memcpy(y.mutable_bytes() + static_cast<std::size_t>(o) * block,
                x.bytes() + static_cast<std::size_t>(o * x.shape()[axis] + i) * block, block);
  return y;
}

// One entry for each scanned input or output; `fallback` where the attribute is left out.
std::vector<std::int64_t> per_scan(const NodeContext& node, const char* name, std::size_t count) {
  auto list = node.attributes().get_ints(name, std::vector<std::int64_t>(count, 0));
  if (list.size() != count)
    throw bad_input(std::string(name) + " has " + std::to_string(list.size()) + " entries for " +
                    std::to_string(count) + " scanned tensors");
  return list;
}

// Scan: the body takes (state…, slice…) and gives (state…, slice…).
struct Scan {
  std::shared_ptr<const Graph> body;
  std::size_t states, scanned, stacked;
  std::vector<std::int64_t> input_axes, input_directions, output_axes, output_directions;

  void run_sequence(RunContext& run, std::vector<Tensor> states_now,
                    const std::vector<Tensor>& sequences, std::int64_t length,
                    std::vector<Tensor>& outputs) const {
    std::vector<Stack> stacks(stacked);
    for (std::int64_t i = 0; i < length; ++i) {
      std::vector<Tensor> inputs = std::move(states_now);
      for (std::size_t k = 0; k < scanned; ++k) {
        const std::int64_t at = input_directions[k] != 0 ? length - 1 - i : i;
        const std::int64_t axis = sequences[k].shape().normalize_axis(input_axes[k]);
        inputs.push_back(slice_at(sequences[k], axis, at, run.allocator));
      }
      std::vector<Tensor> results = run.subgraphs[0]->run(inputs);
      for (std::size_t k = 0; k < stacked; ++k) stacks[k].push(std::move(results[states + k]));
      results.resize(states);
      states_now = std::move(results);
    }
    outputs = std::move(states_now);
    for (std::size_t k = 0; k < stacked; ++k)
      outputs.push_back(stacks[k].stacked(output_axes[k], output_directions[k] != 0,
                                          body->value(body->outputs()[states + k]), run.allocator));
  }

  std::int64_t length_of(const std::vector<Tensor>& sequences) const {
    std::int64_t length = -1;
    for (std::size_t k = 0; k < scanned; ++k) {
      const Shape& shape = sequences[k].shape();
      const std::int64_t dim = shape[shape.normalize_axis(input_axes[k])];
      if (length >= 0 && dim != length)
        throw bad_input("the scanned inputs have " + std::to_string(length) + " and " +
                        std::to_string(dim) + " steps");
      length = dim;
    }
    return length;
  }
};

OpFunction make_scan(const NodeContext& node) {
  Scan scan{.body = node.attributes().need_graph("body"),
            .states = 0,
            .scanned = static_cast<std::size_t>(node.attributes().need_int("num_scan_inputs")),
            .stacked = 0,
            .input_axes = {},
            .input_directions = {},
            .output_axes = {},
            .output_directions = {}};
  const std::size_t inputs = scan.body->inputs().size(), outputs = scan.body->outputs().size();
  const bool is_batched = node.opset < 9;  // opset 8: sequence_lens first, then a batch axis
  if (scan.scanned > inputs || scan.scanned == 0 || outputs < inputs - scan.scanned ||
      node.input_count() != inputs + (is_batched ? 1 : 0) || node.output_count() > outputs)
    throw bad_input("the body's inputs and outputs do not fit the Scan");
  scan.states = inputs - scan.scanned;
  scan.stacked = outputs - scan.states;
  scan.input_axes = per_scan(node, "scan_input_axes", scan.scanned);
  scan.output_axes = per_scan(node, "scan_output_axes", scan.stacked);
  scan.input_directions =
      per_scan(node, is_batched ? "directions" : "scan_input_directions", scan.scanned);
  scan.output_directions = per_scan(node, "scan_output_directions", scan.stacked);

  if (!is_batched)
    return [scan](RunContext& run) {
      std::vector<Tensor> states, sequences, results;
      for (std::size_t i = 0; i < scan.states; ++i) states.push_back(run.input(i));
      for (std::size_t i = 0; i < scan.scanned; ++i)
        sequences.push_back(run.input(scan.states + i));
      scan.run_sequence(run, std::move(states), sequences, scan.length_of(sequences), results);
      for (std::size_t i = 0; i < run.output_count(); ++i) run.set_output(i, std::move(results[i]));
    };

  return [scan](RunContext& run) {
    if (run.has_input(0)) throw unsupported("sequence_lens of Scan in opset 8");
    const std::int64_t batch = run.input(1).shape().count(0, 1);
    std::vector<Stack> stacks(scan.states + scan.stacked);
    for (std::int64_t b = 0; b < batch; ++b) {
      std::vector<Tensor> states, sequences, results;
      for (std::size_t i = 0; i < scan.states + scan.scanned; ++i)
        (i < scan.states ? states : sequences)
            .push_back(slice_at(run.input(i + 1), 0, b, run.allocator));
      scan.run_sequence(run, std::move(states), sequences, scan.length_of(sequences), results);
      for (std::size_t i = 0; i < stacks.size(); ++i) stacks[i].push(std::move(results[i]));
    }
    for (std::size_t i = 0; i < run.output_count(); ++i)
      run.set_output(
          i, stacks[i].stacked(0, false, scan.body->value(scan.body->outputs()[i]), run.allocator));
  };
}

constexpr OpRow kRows[] = {
    {"", "If", make_if, QuantRole::kFloat, false},
    {"", "Loop", make_loop, QuantRole::kFloat, false},
    {"", "Scan", make_scan, QuantRole::kFloat, false},
};

}  // namespace

std::span<const OpRow> control_flow_operators() {
  return kRows;
}

}  // namespace q8
