// The formulas of the elementwise FP32 kernels, written once for every instruction set. Included
// inside the unnamed namespace of elementwise_f32_<isa>.cpp, after it has defined
//
//   V                      16 floats
//   set(x)                 x in every lane
//   load(p), store(p, v)   16 values
//   load_first(p, n, fill), store_first(p, v, n)   n < 16 values, the other lanes `fill`
//   add, sub, mul, divide, fma(a, b, c) = a·b + c rounded once, square_root
//   larger(a, b), smaller(a, b)   b where the comparison fails, so NaN in b stays
//   magnitude(v), minus_magnitude(v), with_sign_of(v, sign)
//   where_less(a, b, x, y)        a < b ? x : y
//   times_power_of_two(v, n)      v · 2ⁿ for whole n in [−252, 254], rounded once
//   lanes_sum(v), lanes_max(v)    lanes i and i + 8, then + 4, + 2, + 1
//
// Every operation is exactly rounded, so the same formula gives the same bits everywhere.
// Polynomials: tools/dev/fit_f32_polynomials.py.

// The whole number next to a·b, ties to even; its size is below 2²². What is added and taken off
// again leaves no room for a fraction.
inline V round_product(V a, V b) {
  constexpr float kNoFraction = 12582912.0f;  // 1.5 · 2²³
  return sub(fma(a, b, set(kNoFraction)), set(kNoFraction));
}

// e^x of x in [−104, 89]: x = n·ln 2 + r with |r| <= ln(2)/2, ln 2 in two parts; at −104 it is 0,
// at 89 infinite.
inline V exp_between(V x) {
  const V n = round_product(x, set(1.44269504f));
  V r = fma(n, set(-0.693145752f), x);
  r = fma(n, set(-1.42860677e-6f), r);
  V p = fma(set(0.00138144311f), r, set(0.00836879667f));
  p = fma(p, r, set(0.0416683964f));
  p = fma(p, r, set(0.166665196f));
  p = fma(p, r, set(0.49999994f));
  p = fma(p, r, set(1.0f));
  return times_power_of_two(fma(p, r, set(1.0f)), n);
}
inline V exp_of(V x) {
  return exp_between(larger(set(-104.0f), smaller(set(89.0f), x)));
}

// Near 0 an odd polynomial, else 1 − 2/(e^2x + 1).
inline V tanh_of(V x) {
  const V a = magnitude(x);
  const V square = mul(a, a);
  V p = fma(set(-0.00570499059f), square, set(0.0206390917f));
  p = fma(p, square, set(-0.0537397154f));
  p = fma(p, square, set(0.133314416f));
  p = fma(p, square, set(-0.333332807f));
  const V near = fma(mul(p, square), a, a);
  const V far = sub(set(1.0f), divide(set(2.0f), add(exp_of(add(a, a)), set(1.0f))));
  return with_sign_of(where_less(a, set(0.625f), near, far), x);
}

// t / (1 + t) and 1 / (1 + t) = `numerator` / d for t in [0, 1]. A division costs as much as all
// the rest of a sigmoid, so it is numerator · p · (1 + e + e²) with p ≈ 1/d and e = 1 − d·p, which
// is T₄(2d − 3) / 577 (Chebyshev's polynomial, so |e³| is below 2⁻²⁷).
inline V quotient(V numerator, V t) {
  const V minus_d = sub(set(-1.0f), t);
  V p = fma(set(128.0f / 577.0f), minus_d, set(768.0f / 577.0f));
  p = fma(p, minus_d, set(1696.0f / 577.0f));
  p = fma(p, minus_d, set(1632.0f / 577.0f));
  const V e = fma(minus_d, p, set(1.0f));
  const V near = mul(numerator, p);
  return fma(near, fma(e, e, e), near);
}

// −|x|, but not below −104.
inline V exponent_of(V x) {
  return larger(set(-104.0f), minus_magnitude(x));
}

// With t = e^−|x| <= 1: 1/(1 + t) or t/(1 + t), accurate at both ends.
inline V sigmoid_of(V x) {
  const V t = exp_between(exponent_of(x));
  return quotient(where_less(x, set(0.0f), t, set(1.0f)), t);
}

// x · sigmoid(x) = max(0, x) − |x| · t/(1 + t), with t as there.
inline V silu_of(V x) {
  const V a = exponent_of(x);  // finite: t is 0 at its end
  const V t = exp_between(a);
  return fma(a, quotient(t, t), larger(set(0.0f), x));
}

// Near 0 an odd polynomial, else 1 − e^P(|x|); it is 1 from 4 on.
inline V erf_of(V x) {
  const V a = magnitude(x);
  const V square = mul(a, a);
  V p = fma(set(7.85400844e-05f), square, set(-0.000801024202f));
  p = fma(p, square, set(0.0051883338f));
  p = fma(p, square, set(-0.0268538147f));
  p = fma(p, square, set(0.112835854f));
  p = fma(p, square, set(-0.37612626f));
  p = fma(p, square, set(0.128379166f));
  const V near = fma(p, a, a);
  const V b = smaller(set(4.0f), a);
  V q = fma(set(-2.16868502e-05f), b, set(0.000441336393f));
  q = fma(q, b, set(-0.00420456193f));
  q = fma(q, b, set(0.0252082571f));
  q = fma(q, b, set(-0.108418576f));
  q = fma(q, b, set(-0.633219898f));
  q = fma(q, b, set(-1.12957847f));
  q = fma(q, b, set(0.000188095393f));
  const V far = sub(set(1.0f), exp_of(q));
  return with_sign_of(where_less(a, set(1.0f), near, far), x);
}

inline V half_times_one_plus(V x, V y) {
  return mul(mul(x, set(0.5f)), add(y, set(1.0f)));
}

inline V hard_sigmoid_of(V x, V alpha, V beta) {
  return larger(set(0.0f), smaller(set(1.0f), add(mul(x, alpha), beta)));
}

struct Exp {
  static V of(V x, V, V) { return exp_of(x); }
};
struct Tanh {
  static V of(V x, V, V) { return tanh_of(x); }
};
struct Sigmoid {
  static V of(V x, V, V) { return sigmoid_of(x); }
};
struct Erf {
  static V of(V x, V, V) { return erf_of(x); }
};
struct Gelu {
  static V of(V x, V, V) { return half_times_one_plus(x, erf_of(mul(x, set(0.707106781f)))); }
};
struct GeluTanh {
  static V of(V x, V, V) {
    const V cube = mul(mul(x, x), x);
    return half_times_one_plus(x, tanh_of(mul(set(0.797884561f), fma(set(0.044715f), cube, x))));
  }
};
struct Silu {
  static V of(V x, V, V) { return silu_of(x); }
};
struct HardSigmoid {
  static V of(V x, V alpha, V beta) { return hard_sigmoid_of(x, alpha, beta); }
};
struct HardSwish {
  static V of(V x, V, V) { return mul(x, hard_sigmoid_of(x, set(1.0f / 6.0f), set(0.5f))); }
};
struct Clamp {
  static V of(V x, V alpha, V beta) { return smaller(beta, larger(alpha, x)); }
};
struct LeakyRelu {
  static V of(V x, V alpha, V) { return where_less(x, set(0.0f), mul(x, alpha), x); }
};

struct Add {
  static V of(V a, V b) { return add(a, b); }
};
struct Subtract {
  static V of(V a, V b) { return sub(a, b); }
};
struct Multiply {
  static V of(V a, V b) { return mul(a, b); }
};
struct Divide {
  static V of(V a, V b) { return divide(a, b); }
};
struct PRelu {
  static V of(V a, V b) { return where_less(a, set(0.0f), mul(a, b), a); }
};

template <typename Operation>
void unary(const float* in, float* out, std::int64_t n, float alpha, float beta) {
  const V a = set(alpha), b = set(beta);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, Operation::of(load(in + i), a, b));
  if (i < n) store_first(out + i, Operation::of(load_first(in + i, n - i, 0.0f), a, b), n - i);
}

template <typename Operation>
void binary(const float* a, const float* b, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, Operation::of(load(a + i), load(b + i)));
  if (i < n)
    store_first(out + i,
                Operation::of(load_first(a + i, n - i, 1.0f), load_first(b + i, n - i, 1.0f)),
                n - i);
}

template <typename Operation>
void binary_scalar_right(const float* a, const float* b, float* out, std::int64_t n) {
  const V right = set(*b);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, Operation::of(load(a + i), right));
  if (i < n) store_first(out + i, Operation::of(load_first(a + i, n - i, 1.0f), right), n - i);
}

template <typename Operation>
void binary_scalar_left(const float* a, const float* b, float* out, std::int64_t n) {
  const V left = set(*a);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, Operation::of(left, load(b + i)));
  if (i < n) store_first(out + i, Operation::of(left, load_first(b + i, n - i, 1.0f)), n - i);
}

inline void scale_shift(const ScaleShiftF32& p, const float* in, float* out, std::int64_t n) {
  const V lo = set(p.lo), hi = set(p.hi);
  const auto clamped = [&](V x, V scale, V shift) {
    return smaller(hi, larger(lo, fma(x, scale, shift)));
  };
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    store(out + i, clamped(load(in + i), load(p.scale + i), load(p.shift + i)));
  if (i < n)
    store_first(out + i,
                clamped(load_first(in + i, n - i, 0.0f), load_first(p.scale + i, n - i, 0.0f),
                        load_first(p.shift + i, n - i, 0.0f)),
                n - i);
}

struct Largest {
  static V start() { return set(-__builtin_inff()); }
  static V of(V x, V acc) { return larger(x, acc); }
};
struct Sum {
  static V start() { return set(0.0f); }
  static V of(V x, V acc) { return add(acc, x); }
};

// Two vectors side by side: each row is one cache line or two.
template <typename Operation>
void join_rows(const float* const* rows, std::int64_t count, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    V a = Operation::start(), b = a;
    for (std::int64_t row = 0; row < count; ++row) {
      a = Operation::of(load(rows[row] + i), a);
      b = Operation::of(load(rows[row] + i + 16), b);
    }
    store(out + i, a);
    store(out + i + 16, b);
  }
  for (; i < n; i += 16) {
    const std::int64_t left = n - i < 16 ? n - i : 16;
    V acc = Operation::start();
    for (std::int64_t row = 0; row < count; ++row)
      acc = Operation::of(left == 16 ? load(rows[row] + i) : load_first(rows[row] + i, left, 0.0f),
                          acc);
    if (left == 16)
      store(out + i, acc);
    else
      store_first(out + i, acc, left);
  }
}

// e^d of d <= 0, and 0 where it is below e⁻⁸⁰: a float cannot tell that beside 1, and a share that
// is no normal number makes what reads it up to fifteen times as slow (masks of −100 are common).
inline V share_of(V d) {
  const V least = set(-80.0f);
  return where_less(d, least, set(0.0f), exp_between(larger(least, d)));
}

// e^(x − max) / Σ e^(x − max). Lane i sums the values i, i + 16, i + 32 …
inline void softmax(const float* in, float* out, std::int64_t n) {
  const float lowest = -__builtin_inff();
  V top = set(lowest);
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) top = larger(load(in + i), top);
  if (i < n) top = larger(load_first(in + i, n - i, lowest), top);
  const V max = set(lanes_max(top));
  V sum = set(0.0f);
  for (i = 0; i + 16 <= n; i += 16) {
    const V e = share_of(sub(load(in + i), max));
    sum = add(sum, e);
    store(out + i, e);
  }
  if (i < n) {
    const V e = share_of(sub(load_first(in + i, n - i, lowest), max));
    sum = add(sum, e);
    store_first(out + i, e, n - i);
  }
  const float total = lanes_sum(sum);
  binary_scalar_right<Divide>(out, &total, out, n);
}

// (x − mean) / √(mean of (x − mean)² + epsilon) · scale + shift. Lanes as in softmax.
inline void layer_norm(const LayerNormRowF32& r) {
  const float count = static_cast<float>(r.n);
  float mean = 0.0f;
  std::int64_t i = 0;
  if (r.is_centred) {
    V sum = set(0.0f);
    for (; i + 16 <= r.n; i += 16) sum = add(sum, load(r.in + i));
    if (i < r.n) sum = add(sum, load_first(r.in + i, r.n - i, 0.0f));
    mean = lanes_sum(sum) / count;
  }
  const V centre = set(mean);
  V squares = set(0.0f);
  for (i = 0; i + 16 <= r.n; i += 16) {
    const V x = sub(load(r.in + i), centre);
    squares = fma(x, x, squares);
  }
  if (i < r.n) {
    const V x = sub(load_first(r.in + i, r.n - i, mean), centre);
    squares = fma(x, x, squares);
  }
  const V variance = set(lanes_sum(squares) / count + r.epsilon);
  const V inverse = divide(set(1.0f), square_root(variance));
  for (i = 0; i < r.n; i += 16) {
    const std::int64_t left = r.n - i;
    const auto part = [left](const float* p) {
      return left >= 16 ? load(p) : load_first(p, left, 0.0f);
    };
    V y = mul(sub(part(r.in + i), centre), inverse);
    if (r.scale != nullptr) y = mul(y, part(r.scale + i));
    if (r.shift != nullptr) y = add(y, part(r.shift + i));
    if (left >= 16)
      store(r.out + i, y);
    else
      store_first(r.out + i, y, left);
  }
  if (r.mean != nullptr) *r.mean = mean;
  if (r.inverse_deviation != nullptr) store_first(r.inverse_deviation, inverse, 1);
}

constexpr ElementwiseF32Functions kFunctions = {
    {unary<Exp>, unary<Tanh>, unary<Sigmoid>, unary<Erf>, unary<Gelu>, unary<GeluTanh>, unary<Silu>,
     unary<HardSigmoid>, unary<HardSwish>, unary<Clamp>, unary<LeakyRelu>},
    {binary<Add>, binary<Subtract>, binary<Multiply>, binary<Divide>, binary<PRelu>},
    {binary_scalar_right<Add>, binary_scalar_right<Subtract>, binary_scalar_right<Multiply>,
     binary_scalar_right<Divide>, binary_scalar_right<PRelu>},
    {binary_scalar_left<Add>, binary_scalar_left<Subtract>, binary_scalar_left<Multiply>,
     binary_scalar_left<Divide>, binary_scalar_left<PRelu>},
    scale_shift,
    join_rows<Largest>,
    join_rows<Sum>,
    softmax,
    layer_norm,
};
