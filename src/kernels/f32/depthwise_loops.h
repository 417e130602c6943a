// The loops of the depthwise FP32 kernels, written once for every vector instruction set. Included
// inside the unnamed namespace of depthwise_f32_<isa>.cpp, after vector_f32_<isa>.h.

struct Finish {
  V bias, lo, hi;
};

template <typename Lanes>
inline Finish load_finish(const float* bias, float lo, float hi, Lanes lanes) {
  return {lanes.load(bias), set(lo), set(hi)};
}

template <typename Lanes>
[[gnu::always_inline]] inline void finish(V acc, const Finish& f, const float* residual, float* out,
                                          Lanes lanes) {
  acc = add(acc, f.bias);
  if (residual != nullptr) acc = add(acc, lanes.load(residual));
  lanes.store(out, smaller(f.hi, larger(f.lo, acc)));
}

// The part of a line that the compiler may keep in registers.
template <int Rows, int Width>
struct LineState {
  const float* in[Rows];
  V weights[Rows * Width];
  Finish finish;
  const float* residual;
  float* out;
  std::int64_t in_pixels, pad;
  std::int64_t in_stride, out_stride;
};

// P neighbouring pixels. Every input vector is loaded once and serves all pixels that read it.
// kInside: all that they read lies inside the line.
template <int P, int Rows, int Width, int Stride, bool kInside, typename Lanes>
[[gnu::always_inline]] inline void line_pixels(const LineState<Rows, Width>& s, std::int64_t pixel,
                                               Lanes lanes) {
  V acc[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) acc[p] = zero();
  const std::int64_t first = pixel * Stride - s.pad;
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    if (s.in[r] == nullptr) continue;
    std::int64_t offset = first * s.in_stride;
#pragma GCC unroll 32
    for (int j = 0; j < (P - 1) * Stride + Width; ++j, offset += s.in_stride) {
      if (!kInside && (first + j < 0 || first + j >= s.in_pixels)) continue;
      const V v = keep(lanes.load(s.in[r] + offset));
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        if (j >= p * Stride && j < p * Stride + Width)
          acc[p] = fma(v, s.weights[r * Width + j - p * Stride], acc[p]);
    }
  }
  std::int64_t at = pixel * s.out_stride;
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p, at += s.out_stride)
    finish(acc[p], s.finish, s.residual == nullptr ? nullptr : s.residual + at, s.out + at, lanes);
}

// P pixels at a time as long as there are so many; gives the first that is left.
template <int P, int Rows, int Width, int Stride, typename Lanes>
inline std::int64_t line_groups(const LineState<Rows, Width>& s, std::int64_t pixel,
                                std::int64_t pixels, Lanes lanes) {
  for (; pixel + P <= pixels; pixel += P) {
    const bool is_inside =
        pixel * Stride >= s.pad && (pixel + P - 1) * Stride - s.pad + Width <= s.in_pixels;
    if (is_inside)
      line_pixels<P, Rows, Width, Stride, true>(s, pixel, lanes);
    else
      line_pixels<P, Rows, Width, Stride, false>(s, pixel, lanes);
  }
  return pixel;
}

// Square kernels of the usual sizes.
template <int P, int Rows, int Width, int Stride, typename Lanes>
void line_columns(const DepthwiseLineF32& t, std::int64_t c, Lanes lanes) {
  LineState<Rows, Width> s;
  for (int r = 0; r < Rows; ++r) s.in[r] = t.rows[r] == nullptr ? nullptr : t.rows[r] + c;
#pragma GCC unroll 32
  for (int i = 0; i < Rows * Width; ++i)
    s.weights[i] = lanes.load(t.weights + i * t.weight_stride + c);
  s.finish = load_finish(t.bias + c, t.lo, t.hi, lanes);
  s.residual = t.residual == nullptr ? nullptr : t.residual + c;
  s.out = t.out + c;
  s.in_pixels = t.in_pixels;
  s.pad = t.pad;
  s.in_stride = t.in_stride;
  s.out_stride = t.out_stride;
  std::int64_t pixel = 0;
  if constexpr (P > 4) {
    // Images of 224² have lines of 7, 14 and 28 pixels.
    if (t.pixels % P != 0 && t.pixels % 7 == 0)
      pixel = line_groups<7, Rows, Width, Stride>(s, pixel, t.pixels, lanes);
    pixel = line_groups<P, Rows, Width, Stride>(s, pixel, t.pixels, lanes);
  }
  pixel = line_groups<4, Rows, Width, Stride>(s, pixel, t.pixels, lanes);
  for (; pixel < t.pixels; ++pixel) line_pixels<1, Rows, Width, Stride, false>(s, pixel, lanes);
}

// Any kernel, stride and dilation.
template <typename Lanes>
void line_columns_any(const DepthwiseLineF32& t, std::int64_t c, Lanes lanes) {
  const Finish f = load_finish(t.bias + c, t.lo, t.hi, lanes);
  for (std::int64_t pixel = 0; pixel < t.pixels; ++pixel) {
    V acc = zero();
    const float* weights = t.weights + c;
    for (std::int64_t r = 0; r < t.kernel_rows; ++r)
      for (std::int64_t x = 0; x < t.kernel_width; ++x, weights += t.weight_stride) {
        const std::int64_t from = pixel * t.stride + x * t.dilation - t.pad;
        if (t.rows[r] == nullptr || from < 0 || from >= t.in_pixels) continue;
        acc = fma(lanes.load(t.rows[r] + from * t.in_stride + c), lanes.load(weights), acc);
      }
    const std::int64_t at = pixel * t.out_stride + c;
    finish(acc, f, t.residual == nullptr ? nullptr : t.residual + at, t.out + at, lanes);
  }
}

template <int P, typename Lanes>
inline void line_columns_for(const DepthwiseLineF32& t, std::int64_t c, Lanes lanes) {
  const bool is_square = t.dilation == 1 && t.kernel_rows == t.kernel_width;
  const std::int64_t size = is_square ? t.kernel_width : 0;
  if (size == 3 && t.stride == 1)
    line_columns<P, 3, 3, 1>(t, c, lanes);
  else if (size == 3 && t.stride == 2)
    line_columns<P, 3, 3, 2>(t, c, lanes);
  else if (size == 5 && t.stride == 1)
    line_columns<P, 5, 5, 1>(t, c, lanes);
  else if (size == 5 && t.stride == 2)
    line_columns<P, 5, 5, 2>(t, c, lanes);
  else
    line_columns_any(t, c, lanes);
}

// P: pixels at a time; 4 or 8.
template <int P>
inline void line(const DepthwiseLineF32& t) {
  const std::int64_t end = t.offset + t.channels;
  std::int64_t c = t.offset;
  for (; c + kLanes <= end; c += kLanes) line_columns_for<P>(t, c, Whole{});
  if (c < end) line_columns_for<4>(t, c, first_lanes(end - c));
}
