#include <algorithm>
#include <map>
#include <string>

#include "ops/families.h"

namespace q8 {
namespace {

using Ngram = std::vector<std::int64_t>;

struct Entry {
  std::size_t column;
  float weight;
};

// The n-grams that TfIdfVectorizer looks for, and how it walks over a row.
struct Vocabulary {
  std::size_t shortest, longest, skips;
  std::string mode;
  std::map<Ngram, Entry> ngrams;
  std::size_t columns = 0;
};

// `pool_int64s` holds all 1-grams, then all 2-grams …; `ngram_counts` says where each length
// begins, `ngram_indexes` which output column an n-gram counts in.
Vocabulary read_vocabulary(const Attributes& a) {
  if (!a.get_strings("pool_strings").empty())
    throw unsupported("n-grams of strings (attribute pool_strings)");
  const auto positive = [&](const char* name, std::int64_t least) {
    const std::int64_t value = a.need_int(name);
    if (value < least)
      throw bad_input(std::string("attribute ") + name + " is " + std::to_string(value) +
                      ", less than " + std::to_string(least));
    return static_cast<std::size_t>(value);
  };
  Vocabulary v{.shortest = positive("min_gram_length", 1),
               .longest = positive("max_gram_length", 1),
               .skips = positive("max_skip_count", 0),
               .mode = a.get_string("mode", ""),
               .ngrams = {}};
  if (v.mode != "TF" && v.mode != "IDF" && v.mode != "TFIDF")
    throw bad_input("mode '" + v.mode + "' is none of TF, IDF, TFIDF");
  const std::vector<std::int64_t> pool = a.need_ints("pool_int64s");
  const std::vector<std::int64_t> begins = a.need_ints("ngram_counts");
  const std::vector<std::int64_t> columns = a.need_ints("ngram_indexes");
  const std::vector<float> weights = a.get_floats("weights");
  if (!weights.empty() && weights.size() != columns.size())
    throw bad_input("ngram_indexes and weights differ in length");
  const auto pool_end = static_cast<std::int64_t>(pool.size());
  std::size_t number = 0;
  for (std::size_t length = 1; length <= begins.size(); ++length) {
    const std::int64_t begin = begins[length - 1];
    const std::int64_t end = length < begins.size() ? begins[length] : pool_end;
    if (begin < 0 || begin > end || end > pool_end ||
        (end - begin) % static_cast<std::int64_t>(length) != 0)
      throw bad_input("ngram_counts does not divide pool_int64s into n-grams");
    for (auto at = begin; at < end; at += static_cast<std::int64_t>(length), ++number) {
      if (number >= columns.size() || columns[number] < 0)
        throw bad_input("ngram_indexes does not give each n-gram a column");
      const Entry entry{static_cast<std::size_t>(columns[number]),
                        weights.empty() ? 1.0F : weights[number]};
      v.ngrams.emplace(Ngram(pool.begin() + at, pool.begin() + at + static_cast<int>(length)),
                       entry);
      v.columns = std::max(v.columns, entry.column + 1);
    }
  }
  return v;
}

void add(const std::string& mode, const Entry& entry, std::span<float> out) {
  float& cell = out[entry.column];
  if (mode == "IDF") {
    cell = entry.weight;
  } else {
    cell += mode == "TF" ? 1.0F : entry.weight;
  }
}

// Counts the n-grams of one row. Between neighbours of an n-gram lie 0 … `skips` items, as many
// between all of them; one item has no neighbours, so it counts once.
void count(const Vocabulary& v, std::span<const std::int64_t> row, std::span<float> out) {
  Ngram ngram;
  for (std::size_t stride = 1; stride <= std::min(v.skips + 1, row.size()); ++stride) {
    const std::size_t longest = std::min(v.longest, (row.size() - 1) / stride + 1);
    for (std::size_t length = v.shortest; length <= longest; ++length) {
      if (length == 1 && stride > 1) continue;
      for (std::size_t begin = 0; begin + (length - 1) * stride < row.size(); ++begin) {
        ngram.clear();
        for (std::size_t i = 0; i < length; ++i) ngram.push_back(row[begin + i * stride]);
        if (const auto found = v.ngrams.find(ngram); found != v.ngrams.end())
          add(v.mode, found->second, out);
      }
    }
  }
}

// [items] → [columns], [rows, items] → [rows, columns]
OpFunction make_tf_idf_vectorizer(const NodeContext& node) {
  return [v = read_vocabulary(node.attributes())](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() != 1 && x.rank() != 2) throw bad_input("one or two axes are needed: " + x.str());
    const auto rows = static_cast<std::size_t>(x.rank() == 2 ? x.shape()[0] : 1);
    const auto items = static_cast<std::size_t>(x.shape().back());
    const auto columns = static_cast<std::int64_t>(v.columns);
    Tensor& y =
        run.output(0, DType::kF32, x.rank() == 2 ? Shape{x.shape()[0], columns} : Shape{columns});
    const std::vector<std::int64_t> values = x.to_int64s();
    const std::span<float> out(y.mutable_data<float>(), static_cast<std::size_t>(y.size()));
    std::ranges::fill(out, 0.0F);
    for (std::size_t r = 0; r < rows; ++r)
      count(v, std::span(values).subspan(r * items, items), out.subspan(r * v.columns, v.columns));
  };
}

constexpr OpRow kRows[] = {
    {"", "TfIdfVectorizer", make_tf_idf_vectorizer, QuantRole::kFloat, false},
};

}  // namespace

std::span<const OpRow> ngrams_operators() {
  return kRows;
}

}  // namespace q8
