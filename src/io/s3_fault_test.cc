#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "io/outage_patience.h"
#include "io/s3_client.h"
#include "io/s3_object_store.h"
#include "io/xml.h"
#include "services/s3_server.h"

/// The store against a real server behind tests/services/fault_proxy.py.
namespace millrace::io {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class S3FaultTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!S3Server::Lacks("versitygw").empty()) GTEST_SKIP() << S3Server::Lacks("versitygw");
    Use("versitygw");
  }

  void Use(const std::string& kind) {
    direct_ = S3Server::NewBucket(kind);
    proxy_ = std::make_unique<services::Service>("fault_proxy.py", std::vector<std::string>{"http", direct_.endpoint});
    faulty_ = direct_;
    faulty_.endpoint = proxy_->address();
    faulty_.retry.wait_max = std::chrono::milliseconds(20);
  }

  void Inject(const json& rule) {
    const auto body = rule.dump();
    HttpRequest request;
    request.method = "POST";
    request.url = proxy_->address() + "/__faults";
    request.body = body;
    ASSERT_EQ(HttpClient().Send(request).status, 200);
  }
  std::vector<int> Hits() {
    HttpRequest request;
    request.url = proxy_->address() + "/__faults";
    return json::parse(HttpClient().Send(request).body).get<std::vector<int>>();
  }

  static PutOutcome WriteLarge(S3ObjectStore& store, const std::string& key) {
    auto writer = store.OpenWriter(key);
    writer->Write(std::string(6 << 20, 'm'));
    return std::move(*writer).Finish();
  }
  static size_t Uploads(const S3Options& options) {
    S3Client client(options);
    return ParseXml(client.Send({.key = "", .query = "uploads="}).response.body).Child("Upload") == nullptr ? 0 : 1;
  }
  static Error Caught(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "nothing was thrown"};
  }

  S3Options direct_;
  S3Options faulty_;
  std::unique_ptr<services::Service> proxy_;
};

TEST_F(S3FaultTest, OwnSuccessIsKnownWhenItsAnswerWasLost) {
  S3ObjectStore store(faulty_);
  Inject({{"method", "PUT"}, {"effect", "lost"}, {"times", 2}});
  EXPECT_EQ(store.PutIfAbsent("k", "mine"), PutOutcome::kCreated);
  Inject({{"method", "PUT"}, {"effect", "answered"}, {"status", 503}});
  EXPECT_EQ(store.PutIfAbsent("k2", "mine"), PutOutcome::kCreated);
  EXPECT_EQ(Hits(), (std::vector<int>{2, 1}));
  EXPECT_EQ(store.Get("k"), "mine");
}

TEST_F(S3FaultTest, TheSameBytesOfSomebodyElseAreNotOurs) {
  S3ObjectStore(direct_).PutIfAbsent("k", "same bytes");
  Inject({{"method", "PUT"}, {"effect", "lost"}});
  EXPECT_EQ(S3ObjectStore(faulty_).PutIfAbsent("k", "same bytes"), PutOutcome::kExists);
  EXPECT_EQ(Hits(), std::vector<int>{1});
}

TEST_F(S3FaultTest, OwnUploadIsKnownWhenTheAnswerOfItsCompletionWasLost) {
  S3ObjectStore store(faulty_);
  Inject({{"method", "POST"}, {"path", "\\?uploadId="}, {"effect", "lost"}});
  EXPECT_EQ(WriteLarge(store, "large"), PutOutcome::kCreated);
  EXPECT_EQ(Hits(), std::vector<int>{1});
  EXPECT_EQ(store.Size("large"), 6 << 20);
}

TEST_F(S3FaultTest, UploadThatLosesTheRaceIsAborted) {
  S3ObjectStore store(faulty_);
  S3ObjectStore(direct_).PutIfAbsent("large", "first");
  Inject({{"method", "POST"}, {"path", "\\?uploadId="}, {"effect", "lost"}});
  EXPECT_EQ(WriteLarge(store, "large"), PutOutcome::kExists);
  EXPECT_EQ(store.Get("large"), "first");
  EXPECT_EQ(Uploads(direct_), 0U);
  {
    auto writer = store.OpenWriter("dropped");
    writer->Write(std::string(6 << 20, 'd'));
    EXPECT_EQ(Uploads(direct_), 1U);
  }
  EXPECT_EQ(Uploads(direct_), 0U);
}

TEST_F(S3FaultTest, FailureHiddenUnderStatus200IsSeen) {
  S3ObjectStore store(faulty_);
  Inject({{"method", "POST"},
          {"path", "\\?uploadId="},
          {"effect", "status"},
          {"status", 200},
          {"body", "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>again</Message></Error>"}});
  EXPECT_EQ(WriteLarge(store, "large"), PutOutcome::kCreated);
  EXPECT_EQ(store.Size("large"), 6 << 20);
}

TEST_F(S3FaultTest, RetriesEndAndSayUnavailable) {
  faulty_.retry.attempts_max = 4;
  S3ObjectStore store(faulty_);
  Inject({{"effect", "status"}, {"status", 503}, {"body", "<Error><Code>SlowDown</Code></Error>"}, {"times", -1}});
  const auto error = Caught([&] { store.PutIfAbsent("k", "v"); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.what(), HasSubstr("SlowDown"));
  EXPECT_EQ(Hits(), std::vector<int>{4});
}

TEST_F(S3FaultTest, TheBudgetOfAllRequestsBoundsRetries) {
  faulty_.retry.attempts_max = 100;
  faulty_.retry.tokens_max = 25;
  S3ObjectStore store(faulty_);
  Inject({{"effect", "refused"}, {"times", -1}});
  EXPECT_EQ(Caught([&] { store.Get("k"); }).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Caught([&] { store.Get("k"); }).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Hits(), std::vector<int>{5 + 1 + 1});
}

TEST_F(S3FaultTest, AnswersCutShortAreAskedForAgain) {
  S3ObjectStore store(faulty_);
  const std::string bytes(100'000, 'z');
  store.PutIfAbsent("k", bytes);
  Inject({{"method", "GET"}, {"effect", "reset"}, {"at", 50'000}, {"times", 2}});
  EXPECT_EQ(store.Get("k"), bytes);
  Inject({{"method", "GET"}, {"effect", "reset"}, {"at", 300}, {"times", 1}});
  EXPECT_EQ(store.GetRange("k", 10, 1000), bytes.substr(10, 1000));
  EXPECT_EQ(Hits(), (std::vector<int>{2, 1}));
}

TEST_F(S3FaultTest, ExpiredCredentialsAreRenewedOnce) {
  if (!S3Server::Lacks("moto").empty()) GTEST_SKIP() << S3Server::Lacks("moto");
  Use("moto");  // takes any keys
  const services::Service endpoints("aws_endpoints.py");
  faulty_.credentials.keys.reset();
  faulty_.credentials.environment = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "AWS_EC2_METADATA_SERVICE_ENDPOINT") return endpoints.address();
    return std::nullopt;
  };
  S3ObjectStore store(faulty_);
  const json expired = {{"effect", "status"}, {"status", 400}, {"body", "<Error><Code>ExpiredToken</Code></Error>"}};
  Inject(expired);
  EXPECT_EQ(store.PutIfAbsent("k", "v"), PutOutcome::kCreated);
  auto always = expired;
  always["times"] = -1;
  Inject(always);
  const auto error = Caught([&] { store.Get("k"); });
  EXPECT_EQ(error.code(), ErrorCode::kStop);
  EXPECT_THAT(error.what(), HasSubstr("have expired"));
  EXPECT_EQ(Hits(), (std::vector<int>{1, 2}));
}

class SlowClock final : public Clock {
 public:
  Timestamp Now() const override { return System().Now() - std::chrono::hours(3); }
  SteadyTime Steady() const override { return System().Steady(); }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token) const override { return true; }
};

TEST_F(S3FaultTest, ClockThatIsOffTakesTheServersTime) {
  const SlowClock clock;
  faulty_.credentials.clock = &clock;
  S3ObjectStore store(faulty_);
  EXPECT_EQ(store.PutIfAbsent("k", "v"), PutOutcome::kCreated);
  EXPECT_EQ(store.Get("k"), "v");
}

TEST_F(S3FaultTest, StoreThatIgnoresTheConditionFailsTheProbe) {
  if (!S3Server::Lacks("moto").empty()) GTEST_SKIP() << S3Server::Lacks("moto");
  Use("moto");  // checks no signatures, so that a header may be taken out on the way
  S3ObjectStore store(faulty_);
  for (const auto& [method, what] : {std::pair{"PUT", "of a put"}, std::pair{"POST", "of an upload in parts"}}) {
    Inject({{"method", method},
            {"header", "If-None-Match"},
            {"effect", "strip"},
            {"name", "If-None-Match"},
            {"times", 2}});
    const auto error = Caught([&] { store.ProbeConditionalCreate(); });
    EXPECT_EQ(error.code(), ErrorCode::kStop);
    EXPECT_THAT(error.what(), HasSubstr(std::string("ignores the condition ") + what));
  }
}

/// Sleeps a little, however long it was asked to.
class QuickClock final : public Clock {
 public:
  Timestamp Now() const override { return System().Now(); }
  SteadyTime Steady() const override { return System().Steady(); }
  bool SleepFor(std::chrono::nanoseconds, std::stop_token stop) const override {
    return System().SleepFor(std::chrono::milliseconds(2), stop);
  }
};

TEST_F(S3FaultTest, WhoIsPatientWaitsThroughAnOutage) {
  faulty_.retry.attempts_max = 2;
  S3ObjectStore store(faulty_);
  Inject({{"method", "PUT"}, {"effect", "lost"}});
  Inject({{"effect", "status"}, {"status", 503}, {"times", 20}});
  EXPECT_THROW(store.Get("k"), Error) << "nobody is patient";
  const QuickClock clock;
  int waits = 0;
  int ends = 0;
  {
    const OutagePatience patience(
        {}, {.on_wait = [&](const std::string&, std::chrono::milliseconds) { ++waits; }, .on_end = [&] { ++ends; }},
        clock);
    // What was lost before the outage is known after it.
    EXPECT_EQ(store.PutIfAbsent("k", "mine"), PutOutcome::kCreated);
  }
  EXPECT_GT(waits, 10);
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(store.Get("k"), "mine");
}

TEST_F(S3FaultTest, AStopEndsPatienceAndTheRequestThatHangs) {
  S3ObjectStore store(faulty_);
  Inject({{"effect", "late"}, {"delay", 3600}, {"times", -1}});
  std::stop_source stop;
  std::thread later([&] {
    while (Hits().at(0) == 0) std::this_thread::yield();
    stop.request_stop();
  });
  const OutagePatience patience(stop.get_token(),
                                {.on_wait = [](const std::string&, std::chrono::milliseconds) {}, .on_end = [] {}});
  EXPECT_EQ(Caught([&] { store.PutIfAbsent("k", "mine"); }).code(), ErrorCode::kUnavailable);
  later.join();
}

/// One pair of keys for a prefix, the store's own for the rest.
class OnePrefix final : public PrefixCredentials {
 public:
  OnePrefix(std::string prefix, AwsCredentials keys) : prefix_(std::move(prefix)), keys_(std::move(keys)) {}
  std::optional<AwsCredentials> For(const std::string& uri) override {
    return uri.starts_with(prefix_) ? std::optional(keys_) : std::nullopt;
  }
  void Refused(const std::string&, const AwsCredentials& used) override {
    ++refused;
    EXPECT_EQ(used.access_key_id, keys_.access_key_id);
    keys_ = {"millrace-test", "millrace-test-secret", "", {}};
  }
  int refused = 0;

 private:
  const std::string prefix_;
  AwsCredentials keys_;
};

TEST_F(S3FaultTest, VendedKeysAreUsedBelowTheirPrefixAndReplacedWhenRefused) {
  const auto vended = std::make_shared<OnePrefix>("s3://" + direct_.bucket + "/lake/wh/t/",
                                                  AwsCredentials{"nobody", "knows", "", std::nullopt});
  direct_.vended = vended;
  S3ObjectStore store(direct_);
  EXPECT_EQ(store.PutIfAbsent("other/k", "x"), PutOutcome::kCreated);
  EXPECT_EQ(vended->refused, 0);
  EXPECT_EQ(store.PutIfAbsent("t/k", "x"), PutOutcome::kCreated);
  EXPECT_EQ(vended->refused, 1);
  int listed = 0;
  store.List("t/", "", [&](const ObjectInfo&) { return ++listed > 0; });
  EXPECT_EQ(listed, 1);
}

}  // namespace
}  // namespace millrace::io
