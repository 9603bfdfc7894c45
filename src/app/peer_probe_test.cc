#include "app/peer_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/error.h"

namespace millrace::app {
namespace {

TEST(PeerProbe, SaysWhyAPeerCannotBeReached) {
  PeerProbe probe("the catalogue", [] { throw Error(ErrorCode::kUnavailable, "status 503"); });
  EXPECT_EQ(probe.Problem(), "the catalogue cannot be reached: status 503");
}

TEST(PeerProbe, AsksOnlyWhenAskedAndNotForEachQuestion) {
  std::atomic<int> asked = 0;
  PeerProbe probe("the lake", [&] { ++asked; });
  EXPECT_EQ(asked, 0);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(probe.Problem(), std::nullopt);
  EXPECT_EQ(asked, 1);
}

TEST(PeerProbe, APeerThatHangsKeepsNobodyWaiting) {
  std::promise<void> release;
  PeerProbe probe("the stream", [answer = release.get_future().share()] { answer.wait(); });
  EXPECT_EQ(probe.Problem(), "the stream does not answer");
  release.set_value();
}

}  // namespace
}  // namespace millrace::app
