// The loops of the Winograd kernels, written once for every vector instruction set. Included inside
// the unnamed namespace of winograd_f32_<isa>.cpp, after vector_f32_<isa>.h.

// G applied to three vectors.
struct Four {
  V of[4];
};
inline Four expand(V a, V b, V c) {
  const V outer = add(a, c), half = set(0.5f);
  return {{a, multiply(add(outer, b), half), multiply(subtract(outer, b), half), c}};
}

template <typename Lanes>
[[gnu::always_inline]] inline void weights_columns(const WinogradWeightsF32& t,
                                                   std::int64_t channel, std::int64_t j,
                                                   Lanes lanes) {
  const float* g = t.taps + channel * 9 * t.columns + j;
  float* out = t.out + channel * t.columns + j;
  Four s[3];
#pragma GCC unroll 3
  for (int v = 0; v < 3; ++v)
    s[v] = expand(lanes.load(g + v * t.columns), lanes.load(g + (3 + v) * t.columns),
                  lanes.load(g + (6 + v) * t.columns));
#pragma GCC unroll 4
  for (int u = 0; u < 4; ++u) {
    const Four row = expand(s[0].of[u], s[1].of[u], s[2].of[u]);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) lanes.store(out + (4 * u + v) * t.plane_stride, row.of[v]);
  }
}

inline void weights(const WinogradWeightsF32& t) {
  for (std::int64_t channel = 0; channel < t.channels; ++channel) {
    std::int64_t j = 0;
    for (; j + kLanes <= t.columns; j += kLanes) weights_columns(t, channel, j, Whole{});
    if (j < t.columns) weights_columns(t, channel, j, first_lanes(t.columns - j));
  }
}

// One row of Bᵀ d B, whose columns are made of two lines of d. Lines are loaded twice, which costs
// less than to keep them: the stores decide the speed.
template <typename Lanes, typename Combine>
[[gnu::always_inline]] inline void input_row(const float* const* a, const float* const* b,
                                             std::int64_t c, float* out, std::int64_t plane_stride,
                                             Lanes lanes, Combine combine) {
  V s[4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) s[v] = combine(lanes.load(a[v] + c), lanes.load(b[v] + c));
  lanes.store(out, subtract(s[0], s[2]));
  lanes.store(out + plane_stride, add(s[1], s[2]));
  lanes.store(out + 2 * plane_stride, subtract(s[2], s[1]));
  lanes.store(out + 3 * plane_stride, subtract(s[1], s[3]));
}

template <typename Lanes>
[[gnu::always_inline]] inline void input_columns(const WinogradInputF32& t, std::int64_t tile,
                                                 std::int64_t c, Lanes lanes) {
  const float* const* d = t.pixels + tile * kWinogradPlanes;
  float* out = t.out + tile * t.tile_stride + c;
  const std::int64_t step = t.plane_stride;
  const auto sum = [](V a, V b) { return add(a, b); };
  const auto difference = [](V a, V b) { return subtract(a, b); };
  input_row(d, d + 8, c, out, step, lanes, difference);
  input_row(d + 4, d + 8, c, out + 4 * step, step, lanes, sum);
  input_row(d + 8, d + 4, c, out + 8 * step, step, lanes, difference);
  input_row(d + 4, d + 12, c, out + 12 * step, step, lanes, difference);
}

inline void input(const WinogradInputF32& t) {
  for (std::int64_t tile = 0; tile < t.tiles; ++tile) {
    std::int64_t c = 0;
    for (; c + kLanes <= t.channels; c += kLanes) input_columns(t, tile, c, Whole{});
    if (c < t.channels) input_columns(t, tile, c, first_lanes(t.channels - c));
  }
}

template <typename Lanes>
[[gnu::always_inline]] inline void output_columns(const WinogradOutputF32& t, std::int64_t tile,
                                                  std::int64_t c, Lanes lanes) {
  const float* m = t.sums + tile * t.tile_stride + c;
  V s[2][4];
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) {
    const float* column = m + v * t.plane_stride;
    const V first = lanes.load(column + 4 * t.plane_stride);
    const V second = lanes.load(column + 8 * t.plane_stride);
    s[0][v] = add(add(lanes.load(column), first), second);
    s[1][v] = subtract(subtract(first, second), lanes.load(column + 12 * t.plane_stride));
  }
  const V bias = lanes.load(t.bias + c), lo = set(t.lo), hi = set(t.hi);
#pragma GCC unroll 2
  for (int y = 0; y < 2; ++y) {
    const V sums[2] = {add(add(s[y][0], s[y][1]), s[y][2]),
                       subtract(subtract(s[y][1], s[y][2]), s[y][3])};
#pragma GCC unroll 2
    for (int x = 0; x < 2; ++x) {
      const std::int64_t at = t.at[tile * 4 + 2 * y + x];
      if (at < 0) continue;
      V acc = add(sums[x], bias);
      if (t.residual != nullptr) acc = add(acc, lanes.load(t.residual + at + c));
      lanes.store(t.out + at + c, smaller(hi, larger(lo, acc)));
    }
  }
}

inline void output(const WinogradOutputF32& t) {
  for (std::int64_t tile = 0; tile < t.tiles; ++tile) {
    std::int64_t c = 0;
    for (; c + kLanes <= t.columns; c += kLanes) output_columns(t, tile, c, Whole{});
    if (c < t.columns) output_columns(t, tile, c, first_lanes(t.columns - c));
  }
}
