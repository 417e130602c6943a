#include "exec/buffer_pool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

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
  EXPECT_EQ(pool.peak_bytes(), 4096u);  // 4,000 bytes in lines of 64, and one between tensors
}

TEST(BufferPool, TensorsInUseHaveTheirOwnMemory) {
  BufferPool pool;
  const Tensor a(DType::kU8, Shape{512}, pool), b(DType::kU8, Shape{512}, pool);
  EXPECT_GE(b.bytes(), a.bytes() + 512);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.bytes()) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.bytes()) % 64, 0u);
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

TEST(BufferPool, ManySmallTensorsTakeThePlaceOfALargeOne) {
  BufferPool pool;
  { const Tensor large(DType::kU8, Shape{1 << 20}, pool); }
  const std::size_t before = pool.peak_bytes();
  std::vector<Tensor> small;
  for (std::int64_t i = 0; i < 100; ++i) small.emplace_back(DType::kU8, Shape{10000}, pool);
  EXPECT_EQ(pool.peak_bytes(), before);
}

TEST(BufferPool, MoreThanTheMachineHasIsRefused) {
  BufferPool pool;
  EXPECT_THROW(Tensor(DType::kF32, Shape{std::int64_t{1} << 44}, pool), Error);
  const Tensor t(DType::kU8, Shape{512}, pool);  // and the pool serves on
  EXPECT_NE(t.bytes(), nullptr);
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
