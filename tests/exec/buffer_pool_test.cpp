#include "exec/buffer_pool.h"

#include <gtest/gtest.h>

#include <thread>

namespace q8 {
namespace {

TEST(BufferPool, ABlockServesAgainWhenItsTensorIsGone) {
  BufferPool pool;
  const std::byte* first = nullptr;
  {
    const Tensor t(DType::kF32, Shape{1000}, pool);
    first = t.bytes();
  }
  const Tensor again(DType::kF32, Shape{990}, pool);
  EXPECT_EQ(again.bytes(), first);
  EXPECT_EQ(pool.peak_bytes(), 4096u);  // 4,000 bytes in steps of 256
}

TEST(BufferPool, TensorsInUseHaveTheirOwnMemory) {
  BufferPool pool;
  const Tensor a(DType::kU8, Shape{512}, pool), b(DType::kU8, Shape{512}, pool);
  EXPECT_NE(a.bytes(), b.bytes());
  EXPECT_EQ(pool.peak_bytes(), 1024u);
}

TEST(BufferPool, ACopyHoldsTheBlock) {
  BufferPool pool;
  Tensor copy;
  {
    const Tensor t(DType::kU8, Shape{512}, pool);
    copy = t.reshaped({2, 256});
  }
  const Tensor other(DType::kU8, Shape{512}, pool);
  EXPECT_NE(other.bytes(), copy.bytes());
}

TEST(BufferPool, ABlockMoreThanTwiceTooLargeIsNotTaken) {
  BufferPool pool;
  { const Tensor big(DType::kU8, Shape{1 << 20}, pool); }
  const Tensor small(DType::kU8, Shape{256}, pool);
  EXPECT_EQ(pool.peak_bytes(), (1u << 20) + 256u);
}

// A chain of growing tensors does not leave all the smaller ones behind.
TEST(BufferPool, BlocksTooSmallMakeWay) {
  BufferPool pool;
  for (std::int64_t size = 256; size <= 1 << 16; size *= 2) Tensor(DType::kU8, Shape{size}, pool);
  EXPECT_EQ(pool.peak_bytes(), 1u << 16);
}

TEST(BufferPool, TensorsMayOutliveItAndDieElsewhere) {
  auto pool = std::make_unique<BufferPool>();
  Tensor a(DType::kU8, Shape{512}, *pool), b(DType::kU8, Shape{512}, *pool);
  std::thread([moved = std::move(a)]() mutable { moved = Tensor(); }).join();
  pool.reset();
  b.mutable_data<std::uint8_t>()[511] = 1;
  EXPECT_EQ(b.data<std::uint8_t>()[511], 1);
}

}  // namespace
}  // namespace q8
