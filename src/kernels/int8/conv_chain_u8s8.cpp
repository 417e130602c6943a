#include "kernels/int8/conv_chain_u8s8.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "kernels/aligned_buffer.h"
#include "kernels/interval.h"
#include "kernels/lines_read.h"

namespace q8 {
namespace {

using Links = std::span<const ConvLinkU8S8>;

std::int64_t line_bytes_in(const ConvGeometry& g) {
  return g.input[2] * g.in_channels;
}

std::int64_t line_bytes_out(const ConvGeometry& g) {
  return g.output()[2] * g.out_channels;
}

// By link: the lines that it makes where the last one makes these.
std::vector<Interval> lines_made(Links links, Interval last) {
  std::vector<Interval> made(links.size(), last);
  for (std::size_t i = links.size(); i-- > 1;)
    made[i - 1] = LinesRead(links[i].geometry).of(made[i]);
  return made;
}

// Parts that an image's lines are cut into for so many threads; 0: not worth it.
std::int64_t parts_of_image(Links links, int threads) {
  for (const ConvLinkU8S8& link : links)
    if (LinesRead(link.geometry).may_be_none) return 0;
  const ConvGeometry& last = links.back().geometry;
  if (last.batch >= threads) return 1;
  const std::int64_t lines = last.output()[1], parts = std::min<std::int64_t>(threads, lines);
  // Of a thread's time saved, what is made twice may cost a part. Measured with two threads: 3×3 on
  // 14² gains, 3×3 on 7² and 5×5 on 14² lose.
  constexpr std::int64_t kPart = 6;
  for (std::size_t i = 0; i + 1 < links.size(); ++i) {
    std::int64_t made = 0;
    for (std::int64_t p = 0; p < parts; ++p)
      made += lines_made(links, part(lines, p, parts))[i].count();
    const std::int64_t all = links[i].geometry.output()[1];
    if ((made - all) * kPart > all) return 0;
  }
  return parts;
}

// Lines of the last link that are made at a time: what lies between the links shall stay in half of
// a small second-level cache, beside the weights and what goes in and out.
std::int64_t lines_of_band(Links links, std::int64_t lines) {
  constexpr std::int64_t kBandBytes = 384 * 1024;
  const auto bytes = [&](std::int64_t count) {
    std::int64_t sum = 0, made = count;
    for (std::size_t i = links.size(); i-- > 1;) {
      made = LinesRead(links[i].geometry).span_of(made);
      sum += made * line_bytes_in(links[i].geometry);
    }
    return sum;
  };
  const std::int64_t each = bytes(2) - bytes(1);
  const std::int64_t most =
      std::clamp<std::int64_t>((kBandBytes - bytes(1)) / std::max<std::int64_t>(1, each) + 1, 1,
                               std::max<std::int64_t>(1, lines));
  const std::int64_t bands = (lines + most - 1) / most;
  return (lines + bands - 1) / bands;  // alike
}

// The work of one thread.
class Worker {
 public:
  Worker(Links links, std::int64_t band, const std::byte* input, std::byte* out)
      : links_(links), band_(band), input_(input), out_(out), made_(links.size(), Interval{0, 0}) {
    std::int64_t lines = band;
    between_.resize(links.size() - 1);
    for (std::size_t i = links.size(); i-- > 1;) {
      const LinesRead read(links[i].geometry);
      lines = std::min(read.input, read.span_of(lines));
      between_[i - 1] = AlignedBuffer<std::byte>(
          static_cast<std::size_t>(lines * line_bytes_in(links[i].geometry)));
    }
  }

  void run(std::int64_t image, Interval lines) {
    std::ranges::fill(made_, Interval{0, 0});
    const ConvGeometry &first = links_.front().geometry, &last = links_.back().geometry;
    const std::byte* from = input_ + image * first.input[1] * line_bytes_in(first);
    for (std::int64_t y = lines.begin; y < lines.end; y += band_) {
      const Interval band{y, std::min(lines.end, y + band_)};
      const std::vector<Interval> wanted = lines_made(links_, band);
      for (std::size_t i = 0; i + 1 < links_.size(); ++i) make_between(i, wanted[i], from);
      make(links_.size() - 1, band, from,
           out_ + (image * last.output()[1] + y) * line_bytes_out(last));
    }
  }

 private:
  // Lines that the last band made too are moved to the front.
  void make_between(std::size_t i, Interval wanted, const std::byte* image) {
    const Interval made = made_[i];
    const std::int64_t line = line_bytes_out(links_[i].geometry);
    const std::int64_t kept = std::clamp<std::int64_t>(made.end - wanted.begin, 0, wanted.count());
    std::byte* const lines = between_[i].data();
    if (kept > 0)
      std::memmove(lines, lines + (wanted.begin - made.begin) * line,
                   static_cast<std::size_t>(kept * line));
    make(i, {wanted.begin + kept, wanted.end}, image, lines + kept * line);
    made_[i] = wanted;
  }

  // The links before have made the lines that these read.
  void make(std::size_t i, Interval lines, const std::byte* image, std::byte* out) {
    if (lines.count() == 0) return;
    const ConvLinkU8S8& link = links_[i];
    const Interval read = LinesRead(link.geometry).of(lines);
    const std::byte* const source = i == 0 ? image : between_[i - 1].data();
    const std::int64_t first = i == 0 ? 0 : made_[i - 1].begin;
    link.conv->run(geometry_of_lines(link.geometry, lines),
                   source + (read.begin - first) * line_bytes_in(link.geometry), *link.epilogue,
                   out, one_);
  }

  const Links links_;
  const std::int64_t band_;
  const std::byte* input_;
  std::byte* out_;
  std::vector<Interval> made_;                     // by link: what stands in between_
  std::vector<AlignedBuffer<std::byte>> between_;  // behind each link but the last
  Threads one_{1};
};

void run_one_after_the_other(Links links, const std::byte* input, std::byte* out,
                             Threads& threads) {
  AlignedBuffer<std::byte> source;
  for (const ConvLinkU8S8& link : links) {
    const bool is_last = &link == &links.back();
    const ConvGeometry& g = link.geometry;
    AlignedBuffer<std::byte> made;
    if (!is_last)
      made = AlignedBuffer<std::byte>(
          static_cast<std::size_t>(g.batch * g.output()[1] * line_bytes_out(g)));
    link.conv->run(g, input, *link.epilogue, is_last ? out : made.data(), threads);
    source = std::move(made);
    input = source.data();
  }
}

}  // namespace

void run_conv_chain_u8s8(Links links, const void* input, void* out, Threads& threads) {
  Q8_ASSERT(!links.empty());
  for (std::size_t i = 0; i < links.size(); ++i) {
    const ConvGeometry& g = links[i].geometry;
    validate(g);
    Q8_ASSERT(g.input[0] == 1 && g.kernel[0] == 1);
    Q8_ASSERT(i == 0 || (g.input == links[i - 1].geometry.output() &&
                         g.in_channels == links[i - 1].geometry.out_channels));
  }
  const ConvGeometry& last = links.back().geometry;
  if (last.batch == 0 || product(last.output()) == 0) return;
  const auto* from = static_cast<const std::byte*>(input);
  auto* to = static_cast<std::byte*>(out);
  const std::int64_t parts = parts_of_image(links, threads.count());
  if (parts == 0) return run_one_after_the_other(links, from, to, threads);
  const std::int64_t lines = last.output()[1];
  const std::int64_t band = lines_of_band(links, (lines + parts - 1) / parts);
  threads.parallel_for(last.batch * parts, 1, [&](std::int64_t begin, std::int64_t end) {
    Worker worker(links, band, from, to);
    for (std::int64_t i = begin; i < end; ++i) worker.run(i / parts, part(lines, i % parts, parts));
  });
}

}  // namespace q8
