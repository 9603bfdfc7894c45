#include "api/door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::api {
namespace {

using std::chrono::seconds;

constexpr const char* kToken = "0123456789abcdef-token";

/// Stands still until it is told to go on.
class HandClock final : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(std::chrono::seconds(1'000'000)) + since_; }
  SteadyTime Steady() const override { return SteadyTime(std::chrono::hours(1)) + since_; }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
  void Pass(seconds time) { since_ += time; }

 private:
  seconds since_{0};
};

class OneIssuer final : public TokenIssuer {
 public:
  bool MayBeItsOwn(std::string_view token) const override { return token.starts_with("issued"); }
  Answer Check(std::string_view token) override {
    if (token == "issued-good") return {.verdict = Verdict::kGood, .caller = {.name = "oidc:ann", .roles = {kQueries}}};
    if (token == "issued-later") return {.verdict = Verdict::kAskAgain, .why = "in a moment"};
    return {.verdict = Verdict::kWrong, .why = "it has expired"};
  }
};

class DoorTest : public testing::Test {
 protected:
  DoorTest() {
    route_.role = kOperates;
    open_.open = true;
    options_.address = "127.0.0.1";
  }
  Door& Made() {
    door_ = std::make_unique<Door>(options_, clock_);
    return *door_;
  }
  void Add(std::string name, std::string_view token, std::vector<std::string> roles) {
    TokenGrant grant;
    grant.name = std::move(name);
    grant.hash = TokenHash::Of(token);
    grant.roles = std::move(roles);
    options_.tokens.push_back(std::move(grant));
  }
  io::HttpCall Call(const std::string& token = {}, const std::string& peer = "10.0.0.1") {
    io::HttpCall call;
    call.method = "GET";
    call.headers = {{"Host", "localhost:8080"}};
    if (!token.empty()) call.headers.push_back({"Authorization", "Bearer " + token});
    call.peer = peer;
    call.route = &route_;
    return call;
  }
  /// 200: come in.
  int Ask(io::HttpCall call) {
    last_ = door_->Refuse(call);
    EXPECT_EQ(call.refused, last_.has_value());
    caller_ = call.caller.name;
    return last_ ? last_->status : 200;
  }
  int Wrong(const std::string& peer = "10.0.0.1") { return Ask(Call("a-token-that-nobody-has", peer)); }

  HandClock clock_;
  io::HttpRoute route_{.method = "GET", .pattern = "/a", .handler = {}};
  io::HttpRoute open_{.method = "GET", .pattern = "/open", .handler = {}};
  DoorOptions options_;
  std::unique_ptr<Door> door_;
  std::optional<io::HttpReply> last_;
  std::string caller_;
};

TEST(TokenHashTest, IsWrittenAndReadAlike) {
  const auto hash = TokenHash::Of("abc");
  EXPECT_EQ(hash.Print(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
  EXPECT_EQ(TokenHash::Parse(hash.Print()), hash);
  for (const std::string text : {"", "abc", "sha256:", "sha256:00", "md5:900150983cd24fb0d6963f7d28e17f72",
                                 "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}) {
    EXPECT_EQ(TokenHash::Parse(text), std::nullopt) << text;
  }
  EXPECT_NE(NewToken(), NewToken());
  EXPECT_EQ(NewToken().size(), 52U);
}

TEST_F(DoorTest, AnAdminMayEverythingAndOthersTheirOwn) {
  Add("reader", kToken, {kReads});
  Add("admin", "the-token-of-the-admin", {kAdministers});
  Made();
  EXPECT_EQ(Ask(Call(kToken)), 403);
  EXPECT_EQ(Ask(Call("the-token-of-the-admin")), 200);
  EXPECT_EQ(caller_, "admin");
  route_.role = kReads;
  EXPECT_EQ(Ask(Call(kToken)), 200);
  EXPECT_EQ(Ask(Call()), 401);
  EXPECT_EQ(caller_, "");
}

TEST_F(DoorTest, TokensExpire) {
  Add("reader", kToken, {kOperates});
  options_.tokens[0].expires = clock_.Now() + seconds(60);
  Made();
  EXPECT_EQ(Ask(Call(kToken)), 200);
  clock_.Pass(seconds(60));
  EXPECT_EQ(Ask(Call(kToken)), 401);
  EXPECT_THAT(last_->body, testing::HasSubstr("expired"));
}

TEST_F(DoorTest, WhoGuessesHasToWaitAndWhoWasInStaysIn) {
  Add("ops", kToken, {kOperates});
  Add("new", "the-token-of-another-one", {kOperates});
  Made();
  EXPECT_EQ(Ask(Call(kToken)), 200);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Wrong(), 401) << i;
  EXPECT_EQ(Wrong(), 429);
  EXPECT_EQ(last_->headers.back().name, "Retry-After");
  const auto wait = seconds(std::stoi(last_->headers.back().value));
  EXPECT_GE(wait, seconds(1));
  EXPECT_EQ(Ask(Call("the-token-of-another-one")), 429) << "a right guess is told no more than a wrong one";
  EXPECT_EQ(Ask(Call(kToken)), 200);
  EXPECT_EQ(Wrong("10.0.0.2"), 401) << "others go on";
  auto open = Call("the-token-of-another-one");
  open.route = &open_;
  EXPECT_EQ(Ask(open), 429) << "an open route says no more of a guess";
  open = Call();
  open.route = &open_;
  EXPECT_EQ(Ask(open), 200);
  clock_.Pass(wait);
  EXPECT_EQ(Ask(Call("the-token-of-another-one")), 200);
}

TEST_F(DoorTest, NeighboursInOneIpv6NetworkAreOneClient) {
  Add("ops", kToken, {kOperates});
  Made();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Wrong("2001:db8::" + std::to_string(i + 1)), 401);
  EXPECT_EQ(Wrong("2001:db8::ffff"), 429);
  EXPECT_EQ(Wrong("2001:db8:0:1::1"), 401);
}

TEST_F(DoorTest, NoNumberOfStrangersFillsTheMemory) {
  RateLimit limit({.per_second = 1, .burst = 1, .keys_max = 2});
  const auto now = clock_.Steady();
  EXPECT_EQ(limit.Take("a", now), std::nullopt);
  EXPECT_EQ(limit.Take("a", now), seconds(1));
  EXPECT_EQ(limit.Take("b", now), std::nullopt);
  EXPECT_EQ(limit.Take("c", now), std::nullopt);
  EXPECT_EQ(limit.Take("a", now), std::nullopt) << "forgotten for others";
}

TEST_F(DoorTest, TokensAndAddressesHaveTheirRates) {
  Add("ops", kToken, {kOperates});
  Add("other", "the-token-of-another-one", {kOperates});
  options_.tokens[0].requests_per_second = 5;
  options_.client_requests_per_second = 10;
  Made();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Ask(Call(kToken)), 200) << i;
  EXPECT_EQ(Ask(Call(kToken, "10.0.0.9")), 429);
  EXPECT_EQ(Ask(Call("the-token-of-another-one")), 200);
  clock_.Pass(seconds(1));
  EXPECT_EQ(Ask(Call(kToken, "10.0.0.9")), 200);
  int taken = 0;
  while (taken < 100 && Ask(Call("the-token-of-another-one", "10.0.0.7")) == 200) ++taken;
  EXPECT_EQ(taken, 20);
}

TEST_F(DoorTest, CertificatesOpenIt) {
  options_.certificates = {{.name = "loader", .certificate_name = "CN:loader", .roles = {kOperates}}};
  Made();
  auto call = Call();
  EXPECT_EQ(Ask(call), 401);
  call.certificate_names = {"CN:loader", "DNS:loader.example"};
  EXPECT_EQ(Ask(call), 200);
  EXPECT_EQ(caller_, "loader");
  call.certificate_names = {"DNS:CN:loader", "CN:loader.evil"};
  EXPECT_EQ(Ask(call), 403);
  call.certificate_names = {"CN:loader"};
  call.headers.push_back({"Authorization", "Bearer wrong-and-not-covered-by-the-certificate"});
  EXPECT_EQ(Ask(call), 401);
}

TEST_F(DoorTest, AnIssuerIsAsked) {
  OneIssuer issuer;
  options_.issuer = &issuer;
  Made();
  route_.role = kQueries;
  EXPECT_EQ(Ask(Call("issued-good")), 200);
  EXPECT_EQ(caller_, "oidc:ann");
  EXPECT_EQ(Ask(Call("issued-later")), 503);
  EXPECT_EQ(Ask(Call("issued-wrong")), 401);
  EXPECT_EQ(Ask(Call("unknown")), 401);
  route_.role = kOperates;
  EXPECT_EQ(Ask(Call("issued-good")), 403);
}

}  // namespace
}  // namespace millrace::api
