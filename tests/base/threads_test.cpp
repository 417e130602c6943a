#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/error.h"
#include "data/thrown.h"

namespace q8 {
namespace {

TEST(Threads, CoverTheRangeOnceWhateverTheirNumberAndTheGrain) {
  for (const int count : {1, 2, 3, 4})
    for (const std::int64_t size : {0, 1, 7, 64, 1000})
      for (const std::int64_t grain : {1, 3, 64, 5000}) {
        Threads threads(count);
        EXPECT_EQ(threads.count(), count);
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(size));
        threads.parallel_for(size, grain, [&](std::int64_t begin, std::int64_t end) {
          EXPECT_TRUE(end - begin >= grain || end == size) << begin << "…" << end;
          for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
        });
        for (const auto& times : seen) ASSERT_EQ(times, 1);
      }
}

TEST(Threads, AnExceptionComesThroughAndTheThreadsGoOnWorking) {
  for (const int count : {1, 4}) {
    Threads threads(count);
    const auto message = bad_input_of([&] {
      threads.parallel_for(1000, 1, [](std::int64_t begin, std::int64_t end) {
        if (begin <= 500 && 500 < end) throw bad_input("at 500");
      });
    });
    EXPECT_EQ(message, "at 500");
    std::atomic<std::int64_t> sum = 0;
    threads.parallel_for(100, 1, [&](std::int64_t b, std::int64_t e) { sum += e - b; });
    EXPECT_EQ(sum, 100);
  }
}

TEST(Threads, LoopsMayNest) {
  Threads threads(3);
  std::atomic<std::int64_t> sum = 0;
  threads.parallel_for(8, 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i)
      threads.parallel_for(50, 1, [&](std::int64_t b2, std::int64_t e2) { sum += e2 - b2; });
  });
  EXPECT_EQ(sum, 400);
}

TEST(Threads, HaveOneAtLeastWhereNoneAreAskedFor) {
  EXPECT_GE(Threads(0).count(), 1);
}

// Ten loops of 100 items.
std::int64_t count_in_loops(Threads& threads) {
  std::atomic<std::int64_t> sum = 0;
  for (int loop = 0; loop < 10; ++loop)
    threads.parallel_for(100, 1, [&](std::int64_t b, std::int64_t e) { sum += e - b; });
  return sum;
}

TEST(Threads, SeveralMayCallAtOnce) {
  Threads threads(3);
  std::vector<std::thread> callers;
  std::atomic<std::int64_t> sum = 0;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round) sum += count_in_loops(threads);
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 100 * 1000);
}

TEST(Threads, WorkAgainAfterTheySlept) {
  for (const int count : {2, 16}) {  // 16: usually more than there are cores
    Threads threads(count);
    for (int round = 0; round < 20; ++round) {
      EXPECT_EQ(count_in_loops(threads), 1000);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

TEST(Threads, DoTheirWorkOnSeveralThreads) {
  Threads threads(2);
  // Each half waits for the other: it ends only where two threads are at work.
  std::atomic<int> begun = 0;
  threads.parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
    ++begun;
    while (begun < 2) std::this_thread::yield();
  });
  EXPECT_EQ(begun, 2);
}

TEST(Threads, ALoopInsideALoopThrowsThroughBoth) {
  Threads threads(4);
  const auto message = bad_input_of([&] {
    threads.parallel_for(8, 1, [&](std::int64_t b, std::int64_t) {
      threads.parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
        if (b == 3) throw bad_input("inside");
      });
    });
  });
  EXPECT_EQ(message, "inside");
  EXPECT_EQ(count_in_loops(threads), 1000);
}

}  // namespace
}  // namespace q8
