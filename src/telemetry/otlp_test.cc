#include "telemetry/otlp.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::telemetry {
namespace {

TEST(Otlp, TextThatIsNoUtf8IsMended) {
  Span span{.context = {}, .name = "a\xFFz\xC3\xA9\xED\xA0\x80", .begin = Timestamp(std::chrono::microseconds(7))};
  span.error = std::string("cut \xE2\x82");
  const auto sent = EncodeTraces(std::span(&span, 1), {{"service.name", "s"}}, "1");
  EXPECT_NE(sent.find("\x08"
                      "a?z\xC3\xA9???"),
            std::string::npos);  // with its size before it
  EXPECT_NE(sent.find("cut ??"), std::string::npos);
  const std::string nanos("\x58\x1B\0\0\0\0\0\0", 8);  // 7000
  const auto begin = sent.find(nanos);
  ASSERT_NE(begin, std::string::npos);
  EXPECT_NE(sent.find(nanos, begin + 1), std::string::npos);  // its end is never before its beginning
}

TEST(Otlp, SaysHowManyWereRefused) {
  EXPECT_EQ(RejectedSpans("\x0A\x02\x08\x03"), 3);
  EXPECT_EQ(RejectedSpans(""), 0);
  EXPECT_EQ(RejectedSpans("<html>"), 0);
}

}  // namespace
}  // namespace millrace::telemetry
