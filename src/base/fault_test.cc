#include "base/fault.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace millrace {
namespace {

// The plan is read once a process, so each case runs in a child of the "threadsafe" style, which starts anew.
class FaultPoints : public testing::Test {
 protected:
  FaultPoints() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(FaultPoints, EndTheProcessAtTheNamedPass) {
  EXPECT_EXIT(
      {
        setenv("MILLRACE_FAULT", "test.write:3", 1);
        for (int pass = 1; pass <= 5; ++pass) {
          FaultPoint("test.other");
          FaultPoint("test.write");
          std::fprintf(stderr, "passed %d;", pass);
        }
        std::exit(0);
      },
      testing::ExitedWithCode(kFaultExitStatus), "passed 1;passed 2;$");
}

TEST_F(FaultPoints, AreListedOnceEachInTheLog) {
  const std::string path = testing::TempDir() + "fault_test.log";
  std::remove(path.c_str());
  EXPECT_EXIT(
      {
        setenv("MILLRACE_FAULT_LOG", path.c_str(), 1);
        FaultPoint("test.a");
        FaultPoint("test.b");
        FaultPoint("test.a");
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
  std::ifstream log(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "test.a\ntest.b\n");
}

}  // namespace
}  // namespace millrace
