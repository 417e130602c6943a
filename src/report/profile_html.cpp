#include "report/profile_html.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "calib/convergence.h"
#include "calib/observers/observers.h"
#include "report/figures.h"
#include "report/xml_text.h"

namespace q8 {
namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}h2{font-size:1rem;margin:2rem 0 .3rem;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}
.bars{fill:#2f6fde}.range{stroke:#c2410c;stroke-width:2}.zero{stroke:#9aa5b1;stroke-dasharray:3 3}
text{font:11px system-ui,sans-serif;fill:currentColor}p{margin:.2rem 0}
@media (prefers-color-scheme:dark){body{background:#14181d;color:#dfe4ea}}
)";

// The drawing, in its own units: labels at the left, the histogram in the middle, figures at the
// right, one line for each observer below.
constexpr double kLeft = 80, kPlot = 600, kFigures = 240, kHeight = 120, kLine = 16;
constexpr std::size_t kColumns = 300;

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

// The values of a tensor from `low` to `high`, as x of the drawing.
struct Scale {
  double low, high;
  double operator()(double r) const { return kLeft + kPlot * (r - low) / (high - low); }
};

std::string bars(const TensorStatistics& tensor, const Scale& x) {
  std::vector<double> columns(kColumns);
  const auto column_of = [&](double r) {
    const double place = kColumns * (r - x.low) / (x.high - x.low);
    return static_cast<std::size_t>(std::clamp(place, 0.0, kColumns - 1.0));
  };
  const auto counts = tensor.histogram.counts();
  const double width = tensor.histogram.bin_width();
  for (std::size_t j = 0; j < counts.size(); ++j)
    columns[column_of(tensor.histogram.lower_edge(j) + 0.5 * width)] +=
        static_cast<double>(counts[j]);
  const double most = *std::max_element(columns.begin(), columns.end());
  std::string path;
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (columns[c] == 0) continue;
    const double height = kHeight * std::log1p(columns[c]) / std::log1p(most);
    const double step = kPlot / kColumns;
    path += "M" + number(kLeft + static_cast<double>(c) * step) + " " + number(kHeight) + "v-" +
            number(height) + "h" + number(step) + "v" + number(height) + "z";
  }
  return "<path class=\"bars\" d=\"" + path + "\"/>";
}

std::string label(double x, double y, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\">" + xml_text(text) + "</text>";
}

std::string line(const char* kind, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) +
         "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\"/>";
}

std::string drawing(const TensorStatistics& tensor) {
  const Range full = tensor.extrema.range();
  const Scale x{std::min(full.low, 0.0), std::max(full.high, 0.0)};
  if (!(x.low < x.high)) return "<p>Zeros alone.</p>\n";
  const double height = kHeight + kLine * static_cast<double>(observers().size()) + 6;
  std::string svg = "<svg viewBox=\"0 0 " + number(kLeft + kPlot + kFigures) + " " +
                    number(height) + "\">" + bars(tensor, x) + line("zero", x(0), 0, x(0), height);
  double y = kHeight;
  for (const ObserverRow& row : observers()) {
    y += kLine;
    const ObserverSettings settings{.name = std::string(row.name)};
    const Range range = observe(tensor, settings);
    svg += label(0, y, settings.name) + line("range", x(range.low), y - 4, x(range.high), y - 4) +
           label(kLeft + kPlot + 8, y,
                 small_number(range.low) + " … " + small_number(range.high) + "  " +
                     decibels(expected_sqnr_db(tensor, range, settings)));
  }
  return svg + "</svg>\n";
}

// ". Share of the range after 1, 2, 4 … 300 samples: 61.2 %, 70.3 % … 100.0 %; twice the samples
// would widen it by 0.4 %"
std::string convergence_text(const Convergence& all, const TensorConvergence* one) {
  if (one == nullptr) return "";
  std::string samples, shares;
  for (std::size_t i = 0; i < one->share.size(); ++i) {
    samples += (i == 0 ? "" : ", ") + std::to_string(all.samples[i]);
    shares += (i == 0 ? "" : ", ") + percent(one->share[i]);
  }
  return ". Share of the range after " + samples + " samples: " + shares +
         "; twice the samples would widen it by " + percent(one->expected_growth);
}

}  // namespace

std::string profile_html(const CalibrationProfile& profile, const std::string& file) {
  const Convergence convergence = measure_convergence(profile);
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>" +
                     xml_text(file) + "</title>\n<style>" + kStyle + "</style></head><body>\n<h1>" +
                     xml_text(file) + "</h1>\n<p>Calibration of <b>" +
                     xml_text(profile.model.path.filename().string()) + "</b> on " +
                     std::to_string(profile.samples.size()) + " samples by q8 " +
                     xml_text(profile.q8_version) + ". Twice the samples would widen ranges by " +
                     percent(convergence.mean_growth) +
                     " on average. Columns count values on a logarithmic scale, zeros left out; "
                     "lines are the ranges of observers for u8, with their expected SQNR.</p>\n";
  for (const TensorStatistics& tensor : profile.tensors) {
    const double zeros =
        tensor.count == 0 ? 0
                          : static_cast<double>(tensor.zeros) / static_cast<double>(tensor.count);
    page +=
        "<h2>" + xml_text(tensor.name) + "</h2>\n<p>" + std::to_string(tensor.count) + " values, " +
        percent(zeros) + " zeros, σ " + small_number(std::sqrt(tensor.variance())) +
        convergence_text(convergence, convergence.find(tensor.name)) + "</p>\n" + drawing(tensor);
  }
  return page + "</body></html>\n";
}

}  // namespace q8
