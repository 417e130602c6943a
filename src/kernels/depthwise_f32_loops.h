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

// N vectors of channels, whose chains of multiply-adds run side by side.
template <int N, typename Lanes>
inline void tile_columns(const DepthwiseTileF32& t, std::int64_t c, Lanes lanes) {
  for (std::int64_t i = 0; i < t.pixels; ++i) {
    V acc[N];
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) acc[v] = zero();
    const float* const* row = t.rows + i;
    const float* weights = t.weights + c;
    for (std::int64_t tap = 0; tap < t.taps; ++tap, row += t.leading, weights += t.pixel_stride) {
      const float* in = *row + c;
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v)
        acc[v] = fma(lanes.load(in + v * kLanes), lanes.load(weights + v * kLanes), acc[v]);
    }
    const std::int64_t at = i * t.pixel_stride + c;
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v)
      finish(acc[v], load_finish(t.bias + c + v * kLanes, t.lo, t.hi, lanes),
             t.residual == nullptr ? nullptr : t.residual + at + v * kLanes,
             t.out + at + v * kLanes, lanes);
  }
}

// The part of a line that the compiler may keep in registers.
template <int Rows, int Width>
struct LineState {
  const float* in[Rows];
  V weights[Rows * Width];
  Finish finish;
  const float* residual;
  float* out;
  std::int64_t pixel_stride;
};

// P neighbouring pixels. Every input vector is loaded once and serves all pixels that read it.
template <int P, int Rows, int Width, int Stride, typename Lanes>
[[gnu::always_inline]] inline void line_pixels(const LineState<Rows, Width>& s, std::int64_t pixel,
                                               Lanes lanes) {
  V acc[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) acc[p] = zero();
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    const float* in = s.in[r] + pixel * Stride * s.pixel_stride;
#pragma GCC unroll 32
    for (int j = 0; j < (P - 1) * Stride + Width; ++j, in += s.pixel_stride) {
      const V v = keep(lanes.load(in));
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        if (j >= p * Stride && j < p * Stride + Width)
          acc[p] = fma(v, s.weights[r * Width + j - p * Stride], acc[p]);
    }
  }
  std::int64_t at = pixel * s.pixel_stride;
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p, at += s.pixel_stride)
    finish(acc[p], s.finish, s.residual == nullptr ? nullptr : s.residual + at, s.out + at, lanes);
}

// Square kernels of the usual sizes.
template <int P, int Rows, int Width, int Stride, typename Lanes>
void line_columns(const DepthwiseLineF32& t, std::int64_t c, Lanes lanes) {
  LineState<Rows, Width> s;
  for (int r = 0; r < Rows; ++r) s.in[r] = t.rows[r] + c;
#pragma GCC unroll 32
  for (int i = 0; i < Rows * Width; ++i)
    s.weights[i] = lanes.load(t.weights + i * t.pixel_stride + c);
  s.finish = load_finish(t.bias + c, t.lo, t.hi, lanes);
  s.residual = t.residual == nullptr ? nullptr : t.residual + c;
  s.out = t.out + c;
  s.pixel_stride = t.pixel_stride;
  std::int64_t pixel = 0;
  for (; pixel + P <= t.pixels; pixel += P) line_pixels<P, Rows, Width, Stride>(s, pixel, lanes);
  if constexpr (P > 4)
    for (; pixel + 4 <= t.pixels; pixel += 4) line_pixels<4, Rows, Width, Stride>(s, pixel, lanes);
  for (; pixel + 2 <= t.pixels; pixel += 2) line_pixels<2, Rows, Width, Stride>(s, pixel, lanes);
  if (pixel < t.pixels) line_pixels<1, Rows, Width, Stride>(s, pixel, lanes);
}

template <int P>
struct Count {};

// Any kernel, stride and dilation.
template <typename Lanes>
void line_columns_any(const DepthwiseLineF32& t, std::int64_t c, Lanes lanes) {
  const Finish f = load_finish(t.bias + c, t.lo, t.hi, lanes);
  const std::int64_t step = t.stride * t.pixel_stride;
  const auto pixels = [&]<int P>(std::int64_t pixel, Count<P>) {
    V acc[P];
    for (int p = 0; p < P; ++p) acc[p] = zero();
    const float* weights = t.weights + c;
    for (std::int64_t r = 0; r < t.kernel_rows; ++r)
      for (std::int64_t x = 0; x < t.kernel_width; ++x, weights += t.pixel_stride) {
        const V w = lanes.load(weights);
        const float* in = t.rows[r] + pixel * step + x * t.dilation * t.pixel_stride + c;
        for (int p = 0; p < P; ++p) acc[p] = fma(lanes.load(in + p * step), w, acc[p]);
      }
    for (int p = 0; p < P; ++p) {
      const std::int64_t at = (pixel + p) * t.pixel_stride + c;
      finish(acc[p], f, t.residual == nullptr ? nullptr : t.residual + at, t.out + at, lanes);
    }
  };
  std::int64_t pixel = 0;
  for (; pixel + 8 <= t.pixels; pixel += 8) pixels(pixel, Count<8>{});
  for (; pixel < t.pixels; ++pixel) pixels(pixel, Count<1>{});
}

inline void tile(const DepthwiseTileF32& t) {
  const std::int64_t end = t.offset + t.channels;
  std::int64_t c = t.offset;
  for (; c + 4 * kLanes <= end; c += 4 * kLanes) tile_columns<4>(t, c, Whole{});
  for (; c + kLanes <= end; c += kLanes) tile_columns<1>(t, c, Whole{});
  if (c < end) tile_columns<1>(t, c, first_lanes(end - c));
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

template <int P>
inline void line(const DepthwiseLineF32& t) {
  const std::int64_t end = t.offset + t.channels;
  std::int64_t c = t.offset;
  for (; c + kLanes <= end; c += kLanes) line_columns_for<P>(t, c, Whole{});
  if (c < end) line_columns_for<P>(t, c, first_lanes(end - c));
}
