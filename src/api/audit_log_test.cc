#include "api/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "api/access.h"
#include "base/error.h"

namespace millrace::api {
namespace {

namespace fs = std::filesystem;

class HandClock final : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(std::chrono::seconds(0)); }
  SteadyTime Steady() const override { return now_; }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
  void Pass(std::chrono::seconds time) { now_ += time; }

 private:
  SteadyTime now_ = SteadyTime(std::chrono::hours(1));
};

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.file = folder_ / "audit.jsonl";
    route_.role = kOperates;
  }
  io::HttpCall Change(bool refused = false) {
    io::HttpCall call;
    call.method = "POST";
    call.path = "/tables/silver.orders/maintain";
    call.peer = "10.0.0.7";
    call.route = &route_;
    call.caller.name = refused ? "" : "ops";
    call.refused = refused;
    return call;
  }
  static std::vector<nlohmann::json> Lines(const fs::path& file) {
    std::vector<nlohmann::json> lines;
    std::ifstream text(file);
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  fs::path folder_;
  HandClock clock_;
  AuditOptions options_;
  io::HttpRoute route_{.method = "POST", .pattern = "/tables/{table}/maintain", .handler = {}};
};

TEST_F(AuditLogTest, SaysWhoDidWhat) {
  AuditLog log(options_, clock_);
  log.Write(Change(), 202);
  log.Write(Change(true), 401);
  log.Write(Change(), 409);
  const auto lines = Lines(options_.file);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], nlohmann::json({{"time", "1970-01-01T00:00:00Z"},
                                      {"who", "ops"},
                                      {"from", "10.0.0.7"},
                                      {"method", "POST"},
                                      {"route", "/tables/{table}/maintain"},
                                      {"path", "/tables/silver.orders/maintain"},
                                      {"status", 202},
                                      {"outcome", "done"}}));
  EXPECT_EQ(lines[1]["outcome"], "refused");
  EXPECT_FALSE(lines[1].contains("who"));
  EXPECT_EQ(lines[2]["outcome"], "failed");
  struct stat facts {};
  ASSERT_EQ(stat(options_.file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(AuditLogTest, WantsChangesAndRefusals) {
  AuditLog log(options_, clock_);
  auto call = Change();
  EXPECT_TRUE(log.IsWanted(call));
  route_.role = kReads;
  EXPECT_FALSE(log.IsWanted(call));
  route_.role = kSends;
  EXPECT_FALSE(log.IsWanted(call));
  call.refused = true;
  EXPECT_TRUE(log.IsWanted(call));
  log.Write(call, 403);
  EXPECT_FALSE(Lines(options_.file).back().contains("path")) << "it holds the client's data";
  call.route = nullptr;
  log.Write(call, 401);
  EXPECT_FALSE(Lines(options_.file).back().contains("path"));
}

TEST_F(AuditLogTest, RotatesAndKeepsSo) {
  options_.file_bytes_max = 500;
  options_.files_max = 3;
  AuditLog log(options_, clock_);
  for (int i = 0; i < 20; ++i) log.Write(Change(), 200 + i);
  for (const auto* name : {"audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"}) {
    EXPECT_LE(fs::file_size(folder_ / name), 500U) << name;
    EXPECT_FALSE(Lines(folder_ / name).empty()) << name;
  }
  EXPECT_FALSE(fs::exists(folder_ / "audit.jsonl.3"));
  EXPECT_EQ(Lines(options_.file).back()["status"], 219);
}

TEST_F(AuditLogTest, StrangersPushNothingOut) {
  AuditLog log(options_, clock_);
  for (int i = 0; i < 100; ++i) log.Write(Change(true), 401);
  log.Write(Change(), 200);
  const auto lines = Lines(options_.file);
  EXPECT_EQ(lines.size(), 21U);
  EXPECT_EQ(lines.back()["refusals_left_out"], 80);
  EXPECT_EQ(lines.back()["who"], "ops");
}

TEST_F(AuditLogTest, AFileThatIsMovedAwayIsMadeAnew) {
  AuditLog log(options_, clock_);
  log.Write(Change(), 200);
  fs::rename(options_.file, folder_ / "moved");
  clock_.Pass(std::chrono::seconds(2));
  log.Write(Change(), 201);
  EXPECT_EQ(Lines(folder_ / "moved").size(), 1U);
  EXPECT_EQ(Lines(options_.file).at(0)["status"], 201);
}

TEST_F(AuditLogTest, SaysWhenItCannotBeWritten) {
  AuditLog log(options_, clock_);
  EXPECT_TRUE(log.IsWritable());
  fs::rename(folder_, folder_.string() + ".away");
  clock_.Pass(std::chrono::seconds(2));
  EXPECT_FALSE(log.IsWritable());
  fs::rename(folder_.string() + ".away", folder_);
  clock_.Pass(std::chrono::seconds(2));
  EXPECT_TRUE(log.IsWritable());
  options_.file = folder_ / "nothing" / "audit.jsonl";
  EXPECT_THROW(AuditLog(options_, clock_), Error);
}

}  // namespace
}  // namespace millrace::api
