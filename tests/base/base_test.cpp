#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/isa.h"
#include "base/rounding.h"
#include "base/sha256.h"
#include "data/temporary_folder.h"
#include "data/thrown.h"

namespace q8 {
namespace {

TEST(Error, WithinKeepsTheKindAndPutsThePlaceInFront) {
  const Error error = unsupported("no such thing").within("Conv 'a'").within("m.onnx");
  EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
  EXPECT_STREQ(error.what(), "m.onnx: Conv 'a': no such thing");
}

TEST(Error, ABrokenAssertionIsInternalAndNamesItself) {
  const auto message = thrown(ErrorKind::kInternal, [] { Q8_ASSERT(1 + 1 == 3); });
  EXPECT_NE(message.find("1 + 1 == 3"), std::string::npos) << message;
}

TEST(Rounding, TiesGoToEven) {
  const std::pair<double, double> cases[] = {{0.5, 0},  {1.5, 2},   {2.5, 2},
                                             {-0.5, 0}, {-1.5, -2}, {2.4999, 2}};
  for (const auto& [from, to] : cases) {
    EXPECT_EQ(round_half_even(from), to);
    EXPECT_EQ(round_half_even(static_cast<float>(from)), static_cast<float>(to));
  }
}

// FIPS 180-4 test vectors of the standard's examples.
TEST(Sha256, KnownVectors) {
  EXPECT_EQ(Sha256().add("").hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256().add("a").add("bc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256().add("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const TemporaryFolder folder;
  EXPECT_EQ(sha256_file(folder.write("million", std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Isa, EveryOneHasItsOwnNameAndIsParsedBack) {
  std::set<std::string_view> names;
  for (const Isa isa : all_isas()) {
    EXPECT_TRUE(names.insert(isa_name(isa)).second);
    EXPECT_EQ(parse_isa(isa_name(isa)), isa);
  }
  EXPECT_EQ(parse_isa("AVX2"), std::nullopt);
  EXPECT_EQ(parse_isa(""), std::nullopt);
}

TEST(Isa, TheBestOneIsThereAndNoneBehindItIs) {
  EXPECT_TRUE(cpu_has(Isa::kScalar));
  EXPECT_TRUE(cpu_has(best_isa()));
  for (const Isa isa : all_isas()) EXPECT_FALSE(isa > best_isa() && cpu_has(isa)) << isa_name(isa);
}

}  // namespace
}  // namespace q8
