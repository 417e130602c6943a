#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "ops/element_type.h"
#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// DFT, STFT and what audio models put around them: windows and the mel matrix. All in double.

using Complex = std::complex<double>;

// Discrete Fourier transform of any length: split by the smallest prime factor (Cooley and Tukey,
// 1965), so n · (sum of its prime factors) steps.
class Fourier {
 public:
  Fourier(std::int64_t n, bool inverse) : n_(n), turns_(static_cast<std::size_t>(n)) {
    for (std::int64_t i = 0; i < n; ++i)
      turns_[static_cast<std::size_t>(i)] = std::polar(
          1.0, (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(i) / double(n));
  }
  void run(const Complex* x, Complex* y) const { split(x, 1, n_, y); }

 private:
  // The transform of n elements `stride` apart.
  void split(const Complex* x, std::int64_t stride, std::int64_t n, Complex* y) const {
    if (n == 1) {
      *y = *x;
      return;
    }
    std::int64_t p = 2;
    while (n % p != 0) p = p * p > n ? n : p + 1;
    const std::int64_t part = n / p;
    for (std::int64_t i = 0; i < p; ++i) split(x + i * stride, stride * p, part, y + i * part);
    std::vector<Complex> column(static_cast<std::size_t>(p));
    for (std::int64_t k = 0; k < part; ++k) {
      for (std::int64_t i = 0; i < p; ++i) column[static_cast<std::size_t>(i)] = y[i * part + k];
      for (std::int64_t q = 0; q < p; ++q) {
        Complex sum = 0;
        for (std::int64_t i = 0; i < p; ++i)
          sum += column[static_cast<std::size_t>(i)] *
                 turns_[static_cast<std::size_t>(i * (k + q * part) % n * (n_ / n))];
        y[q * part + k] = sum;
      }
    }
  }

  std::int64_t n_;
  std::vector<Complex> turns_;
};

// A tensor [..., 1 or 2] as complex numbers [outer, n, inner] around an axis.
struct Signal {
  std::int64_t outer, n, inner, parts;

  Signal(const Shape& shape, std::int64_t axis)
      : outer(shape.count(0, axis)),
        n(shape[axis]),
        inner(shape.count(axis + 1, shape.rank() - 1)),
        parts(shape.back()) {}
  template <typename T>
  Complex at(const T* data, std::int64_t o, std::int64_t i, std::int64_t c) const {
    const T* v = data + ((o * n + i) * inner + c) * parts;
    return {static_cast<double>(v[0]), parts == 2 ? static_cast<double>(v[1]) : 0.0};
  }
};

void need_signal(const Tensor& x) {
  if (x.rank() < 2 || (x.shape().back() != 1 && x.shape().back() != 2))
    throw bad_input("a signal [..., 1] or [..., 2] is needed, not " + x.str());
}

struct Dft {
  bool inverse, onesided;
  bool is_real_output() const { return inverse && onesided; }
};

template <typename T>
void run_dft(const Dft& dft, const Tensor& x, std::int64_t axis, std::int64_t length, Tensor& y) {
  const Signal from(x.shape(), axis), to(y.shape(), axis);
  const Fourier fourier(length, dft.inverse);
  const double scale = dft.inverse ? 1.0 / static_cast<double>(length) : 1.0;
  std::vector<Complex> in(static_cast<std::size_t>(length)), out(in.size());
  for (std::int64_t o = 0; o < from.outer; ++o)
    for (std::int64_t c = 0; c < from.inner; ++c) {
      std::fill(in.begin(), in.end(), Complex(0));
      const std::int64_t given = std::min(dft.is_real_output() ? length / 2 + 1 : length, from.n);
      for (std::int64_t i = 0; i < given; ++i)
        in[static_cast<std::size_t>(i)] = from.at(x.data<T>(), o, i, c);
      if (dft.is_real_output())  // the other half mirrors the given one
        for (std::int64_t i = length / 2 + 1; i < length; ++i)
          in[static_cast<std::size_t>(i)] = std::conj(in[static_cast<std::size_t>(length - i)]);
      fourier.run(in.data(), out.data());
      for (std::int64_t i = 0; i < to.n; ++i) {
        T* v = y.mutable_data<T>() + ((o * to.n + i) * to.inner + c) * to.parts;
        const Complex value = out[static_cast<std::size_t>(i)] * scale;
        v[0] = static_cast<T>(value.real());
        if (to.parts == 2) v[1] = static_cast<T>(value.imag());
      }
    }
}

OpFunction make_dft(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const Dft dft{.inverse = a.get_int("inverse", 0) != 0, .onesided = a.get_int("onesided", 0) != 0};
  // The axis is an attribute up to opset 19, an input from 20 on.
  const std::int64_t fixed_axis = a.get_int("axis", node.opset < 20 ? 1 : -2);
  return [dft, fixed_axis](RunContext& run) {
    const Tensor& x = run.input(0);
    need_signal(x);
    const std::int64_t axis =
        x.shape().normalize_axis(run.has_input(2) ? run.input(2).to_int64s().at(0) : fixed_axis);
    if (axis + 1 == x.rank()) throw bad_input("the last axis holds real and imaginary parts");
    std::int64_t length = dft.is_real_output() ? 2 * (x.shape()[axis] - 1) : x.shape()[axis];
    if (run.has_input(1)) length = run.input(1).to_int64s().at(0);
    if (length < 1) throw bad_input("dft_length is " + std::to_string(length));
    Shape shape = x.shape();
    shape[axis] = dft.onesided && !dft.inverse ? length / 2 + 1 : length;
    shape[x.rank() - 1] = dft.is_real_output() ? 1 : 2;
    Tensor& y = run.output(0, x.dtype(), shape);
    with_float_type(x.dtype(),
                    [&](auto zero) { run_dft<decltype(zero)>(dft, x, axis, length, y); });
  };
}

// signal [batch, n, 1 or 2] → [batch, frames, bins, 2]; inputs: signal, frame_step, window,
// frame_length.
OpFunction make_stft(const NodeContext& node) {
  const bool onesided = node.attributes().get_int("onesided", 1) != 0;
  return [onesided](RunContext& run) {
    const Tensor& x = run.input(0);
    need_signal(x);
    if (x.rank() != 3) throw bad_input("the signal is " + x.str() + ", not of rank 3");
    const std::int64_t step = run.input(1).to_int64s().at(0);
    std::vector<float> window;
    if (run.has_input(2)) window = run.input(2).to_floats();
    const std::int64_t length = run.has_input(3)  ? run.input(3).to_int64s().at(0)
                                : !window.empty() ? static_cast<std::int64_t>(window.size())
                                                  : x.shape()[1];
    if (window.empty())
      window.assign(static_cast<std::size_t>(std::max<std::int64_t>(length, 0)), 1);
    if (step < 1 || length < 1 || length > x.shape()[1] ||
        static_cast<std::int64_t>(window.size()) != length)
      throw bad_input("frame_step " + std::to_string(step) + ", frame_length " +
                      std::to_string(length) + " and a window of " + std::to_string(window.size()) +
                      " do not fit " + x.str());
    const Signal signal(x.shape(), 1);
    const std::int64_t frames = 1 + (signal.n - length) / step;
    const std::int64_t bins = onesided ? length / 2 + 1 : length;
    Tensor& y = run.output(0, x.dtype(), Shape{signal.outer, frames, bins, 2});
    const Fourier fourier(length, false);
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      run.threads.parallel_for(signal.outer * frames, 4, [&](std::int64_t begin, std::int64_t end) {
        std::vector<Complex> in(window.size()), out(window.size());
        for (std::int64_t f = begin; f < end; ++f) {
          for (std::int64_t i = 0; i < length; ++i)
            in[static_cast<std::size_t>(i)] =
                signal.at(x.data<T>(), f / frames, f % frames * step + i, 0) *
                static_cast<double>(window[static_cast<std::size_t>(i)]);
          fourier.run(in.data(), out.data());
          for (std::int64_t i = 0; i < bins; ++i) {
            y.mutable_data<T>()[(f * bins + i) * 2] =
                static_cast<T>(out[static_cast<std::size_t>(i)].real());
            y.mutable_data<T>()[(f * bins + i) * 2 + 1] =
                static_cast<T>(out[static_cast<std::size_t>(i)].imag());
          }
        }
      });
    });
  };
}

// a0 − a1 · cos(2πi/N) + a2 · cos(4πi/N); N = size − 1, or size for a periodic window.
struct CosineWindow {
  double a0, a1, a2;
};
constexpr CosineWindow kHann{0.5, 0.5, 0};
constexpr CosineWindow kHamming{25.0 / 46, 21.0 / 46, 0};
constexpr CosineWindow kBlackman{0.42, 0.5, 0.08};

template <const CosineWindow& kWindow>
OpFunction make_window(const NodeContext& node) {
  const bool is_periodic = node.attributes().get_int("periodic", 1) != 0;
  const DType dtype = element_type(node.attributes().get_int("output_datatype", 1));
  return [is_periodic, dtype](RunContext& run) {
    const std::int64_t size = run.input(0).to_int64s().at(0);
    if (size < 0) throw bad_input("the window's size is " + std::to_string(size));
    Tensor y(DType::kF64, Shape{size});
    const double n = static_cast<double>(is_periodic ? size : std::max<std::int64_t>(size - 1, 1));
    for (std::int64_t i = 0; i < size; ++i) {
      const double turn = 2 * std::numbers::pi * static_cast<double>(i) / n;
      y.mutable_data<double>()[i] =
          kWindow.a0 - kWindow.a1 * std::cos(turn) + kWindow.a2 * std::cos(2 * turn);
    }
    run.set_output(0, cast(y, dtype, run.allocator));
  };
}

double mel_of_hertz(double hertz) {
  return 2595 * std::log10(1 + hertz / 700);
}
double hertz_of_mel(double mel) {
  return 700 * (std::pow(10.0, mel / 2595) - 1);
}

// [dft_length / 2 + 1, bins]: one triangle a column, its corners evenly spaced on the mel scale.
OpFunction make_mel_weight_matrix(const NodeContext& node) {
  const DType dtype = element_type(node.attributes().get_int("output_datatype", 1));
  return [dtype](RunContext& run) {
    const std::int64_t bins = run.input(0).to_int64s().at(0),
                       length = run.input(1).to_int64s().at(0),
                       rate = run.input(2).to_int64s().at(0);
    if (bins < 1 || length < 1 || rate < 1)
      throw bad_input("num_mel_bins, dft_length and sample_rate must be positive");
    const double low = mel_of_hertz(cast(run.input(3), DType::kF64).values<double>()[0]);
    const double high = mel_of_hertz(cast(run.input(4), DType::kF64).values<double>()[0]);
    const std::int64_t rows = length / 2 + 1;
    const auto corner = [&](std::int64_t i) {
      const double mel =
          low + static_cast<double>(i) * (high - low) / static_cast<double>(bins + 2);
      const double row = std::floor(static_cast<double>(length + 1) * hertz_of_mel(mel) /
                                    static_cast<double>(rate));
      return static_cast<std::int64_t>(std::clamp(row, 0.0, static_cast<double>(rows)));
    };
    Tensor y = Tensor::zeros(DType::kF64, Shape{rows, bins});
    double* value = y.mutable_data<double>();
    for (std::int64_t b = 0; b < bins; ++b) {
      const std::int64_t left = corner(b), center = corner(b + 1), right = corner(b + 2);
      for (std::int64_t r = left; r <= std::min(center, rows - 1); ++r)
        value[r * bins + b] = center == left ? 1.0 : double(r - left) / double(center - left);
      for (std::int64_t r = center; r < right; ++r)
        value[r * bins + b] = double(right - r) / double(right - center);
    }
    run.set_output(0, cast(y, dtype, run.allocator));
  };
}

constexpr OpRow kRows[] = {
    {"", "DFT", make_dft},
    {"", "STFT", make_stft},
    {"", "HannWindow", make_window<kHann>, QuantRole::kFloat, false},
    {"", "HammingWindow", make_window<kHamming>, QuantRole::kFloat, false},
    {"", "BlackmanWindow", make_window<kBlackman>, QuantRole::kFloat, false},
    {"", "MelWeightMatrix", make_mel_weight_matrix, QuantRole::kFloat, false},
};

}  // namespace

std::span<const OpRow> spectral_operators() {
  return kRows;
}

}  // namespace q8
