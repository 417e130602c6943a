#include "api/bench_inputs.h"

#include <algorithm>
#include <random>

#include "base/error.h"

namespace q8 {
namespace {

using Dims = std::vector<std::int64_t>;

// Evenly over 0…1, from the generator's bits: the standard library's distributions differ between
// implementations.
float next_share(std::mt19937_64& random) {
  return static_cast<float>(random() >> 40) * 0x1p-24f;
}

Tensor filled(DType dtype, Shape shape, std::mt19937_64& random) {
  Tensor floats(DType::kF32, std::move(shape));
  float* values = floats.mutable_data<float>();
  for (std::int64_t i = 0; i < floats.size(); ++i)
    values[i] = is_floating(dtype) ? next_share(random) : 1.0f;
  return dtype == DType::kF32 ? floats : cast(floats, dtype);
}

Dims dims_of(const Value& input, const BenchJob& job) {
  if (!input.type.dims)
    throw usage_error("input '" + input.name +
                      "' has no shape in the model; give it one: --shape " + input.name +
                      "=1x3x224x224");
  Dims dims = *input.type.dims;
  if (job.batch && !dims.empty()) {
    if (dims[0] != kUnknownDim && dims[0] != *job.batch)
      throw usage_error("--batch " + std::to_string(*job.batch) + ": input '" + input.name +
                        "' has a fixed batch of " + std::to_string(dims[0]));
    dims[0] = *job.batch;
  }
  std::ranges::replace(dims, kUnknownDim, std::int64_t{1});
  return dims;
}

void check_fits(const Value& input, const Dims& dims) {
  if (!input.type.dims) return;
  const Dims& declared = *input.type.dims;
  bool fits = declared.size() == dims.size();
  for (std::size_t i = 0; fits && i < dims.size(); ++i)
    fits = declared[i] == kUnknownDim || declared[i] == dims[i];
  if (!fits)
    throw usage_error("--shape " + input.name + "=" + Shape(dims).str() +
                      " does not fit the model");
}

}  // namespace

std::vector<Tensor> bench_inputs(const Graph& graph, const BenchJob& job) {
  for (const auto& [name, dims] : job.shapes) {
    const auto named = [&, &wanted = name](ValueId id) { return graph.value(id).name == wanted; };
    if (std::ranges::none_of(graph.inputs(), named))
      throw usage_error("--shape " + name + ": the model has no input of that name");
  }
  std::mt19937_64 random(1);
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    const auto given =
        std::ranges::find(job.shapes, input.name, &std::pair<std::string, Dims>::first);
    const Dims dims = given == job.shapes.end() ? dims_of(input, job) : given->second;
    check_fits(input, dims);
    inputs.push_back(filled(input.type.dtype.value_or(DType::kF32), Shape(dims), random));
  }
  return inputs;
}

}  // namespace q8
