#include "plan/overrides.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace q8 {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Overrides, ObserverWithAndWithoutPercentile) {
  const ObserverFor plain = parse_observer_for("head/*=mse");
  EXPECT_EQ(plain.pattern, "head/*");
  EXPECT_EQ(plain.observer, "mse");
  const ObserverFor tail = parse_observer_for("a=b=percentile:99.5");
  EXPECT_EQ(tail.pattern, "a=b");
  EXPECT_EQ(tail.observer, "percentile");
  EXPECT_DOUBLE_EQ(tail.percentile, 99.5);
  const ObserverFor weighted = parse_observer_for("x=auto:16");
  EXPECT_EQ(weighted.observer, "auto");
  EXPECT_DOUBLE_EQ(weighted.clip_weight, 16);
}

TEST(Overrides, WrongObserversAreNamed) {
  EXPECT_THAT([] { parse_observer_for("x=minmx"); }, ThrowsMessage<Error>(HasSubstr("minmx")));
  EXPECT_THAT([] { parse_observer_for("x"); }, ThrowsMessage<Error>(HasSubstr("PATTERN=")));
  EXPECT_THAT([] { parse_observer_for("=mse"); }, ThrowsMessage<Error>(HasSubstr("PATTERN=")));
  EXPECT_THAT([] { parse_observer_for("x=mse:9"); }, ThrowsMessage<Error>(HasSubstr("percentile")));
  for (const char* number : {"50", "100.5", "9x", "nan", ""})
    EXPECT_THROW(parse_observer_for(std::string("x=percentile:") + number), Error) << number;
  for (const char* number : {"0", "-1", "1e7", "4x", ""})
    EXPECT_THROW(parse_observer_for(std::string("x=auto:") + number), Error) << number;
}

TEST(Overrides, Types) {
  EXPECT_EQ(parse_type_for("x=float").type, "float");
  EXPECT_THAT([] { parse_type_for("x=u9"); },
              ThrowsMessage<Error>(HasSubstr("u8, s8, u16, s16 or float")));
}

}  // namespace
}  // namespace q8
