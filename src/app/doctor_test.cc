#include "app/doctor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "io/outage_patience.h"

namespace millrace::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

DoctorCheck Check(const std::string& name, std::function<void(Findings&, const std::stop_token&)> look) {
  return {name, std::move(look)};
}

TEST(DoctorTest, ChecksRunSideBySideAndAreToldInOrder) {
  std::promise<void> second_is_here;
  const auto up = RunChecks({Check("first",
                                   [&](Findings& findings, const std::stop_token&) {
                                     second_is_here.get_future().wait();  // for ever, were they one after the other
                                     findings.Ok("met");
                                   }),
                             Check("second",
                                   [&](Findings& findings, const std::stop_token&) {
                                     second_is_here.set_value();
                                     findings.Warn("odd", "look");
                                   })},
                            minutes(5), {});
  ASSERT_EQ(up.checks.size(), 2);
  EXPECT_EQ(up.checks[0].name, "first");
  EXPECT_EQ(up.checks[1].findings.at(0).mend, "look");
  EXPECT_TRUE(up.all_ended);
  EXPECT_EQ(up.verdict(), Verdict::kWarn);
}

TEST(DoctorTest, AnErrorFailsItsCheckAloneAndItsMendIsSplitOff) {
  const auto fail = [](ErrorCode code, const char* text) {
    Findings findings;
    findings.Fail(Error(code, text), "by default");
    return findings.all().at(0);
  };
  auto found = fail(ErrorCode::kConfig, "PUT s3://b/k: status 404; there is no such bucket; create it");
  EXPECT_EQ(found.says, "PUT s3://b/k: status 404; there is no such bucket");
  EXPECT_EQ(found.mend, "create it");
  found = fail(ErrorCode::kStop, "no permission to make /x: choose another folder; nothing that was confirmed is lost");
  EXPECT_EQ(found.says, "no permission to make /x");
  EXPECT_EQ(found.mend, "choose another folder");
  EXPECT_EQ(fail(ErrorCode::kUnavailable, "documents: no route").mend, "by default");

  const auto up =
      RunChecks({Check("bad", [](Findings&, const std::stop_token&) -> void { throw Error(ErrorCode::kStop, "no"); }),
                 Check("good", [](Findings& findings, const std::stop_token&) { findings.Ok("yes"); })},
                minutes(5), {});
  EXPECT_EQ(up.verdict(), Verdict::kFail);
  EXPECT_EQ(up.checks[1].findings.at(0).verdict, Verdict::kOk);
}

TEST(DoctorTest, OneThatTakesTooLongIsStoppedAndCleansUp) {
  // Long enough that the check has begun by then, on a machine with much else to do.
  constexpr milliseconds kTime(300);
  bool cleaned = false;
  const auto up = RunChecks({Check("slow",
                                   [&](Findings& findings, const std::stop_token& stop) {
                                     findings.Ok("begun");
                                     std::promise<void> stopped;
                                     const std::stop_callback on_stop(stop, [&] { stopped.set_value(); });
                                     stopped.get_future().wait();
                                     cleaned = io::OutagePatience::Stop().stop_requested();
                                     throw Error(ErrorCode::kUnavailable, "the request was ended");
                                   })},
                            kTime, {});
  EXPECT_TRUE(up.all_ended);
  EXPECT_TRUE(cleaned);
  ASSERT_EQ(up.checks[0].findings.size(), 2) << "what it had found, and that it took too long; not what ended it";
  EXPECT_EQ(up.checks[0].findings[1].says, "no answer within 300ms");
}

TEST(DoctorTest, AStopEndsAll) {
  std::stop_source stop;
  const auto up = RunChecks({Check("waits",
                                   [&](Findings&, const std::stop_token& own) {
                                     stop.request_stop();
                                     std::promise<void> stopped;
                                     const std::stop_callback on_stop(own, [&] { stopped.set_value(); });
                                     stopped.get_future().wait();
                                   })},
                            minutes(5), stop.get_token());
  EXPECT_EQ(up.checks[0].findings.at(0).says, "stopped before it had ended");
  EXPECT_EQ(up.verdict(), Verdict::kFail);
}

}  // namespace
}  // namespace millrace::app
