#include "io/s3_object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/object_store_contract.h"
#include "services/s3_server.h"

namespace millrace::io {
namespace {

using testing::HasSubstr;

template <const char* kKind>
class S3Fixture : public ObjectStoreFixture {
 public:
  ObjectStore& store() override {
    if (!store_) {
      options_ = S3Server::NewBucket(kKind);
      store_ = std::make_unique<S3ObjectStore>(options_);
    }
    return *store_;
  }
  std::unique_ptr<ObjectStore> Reopen() override { return std::make_unique<S3ObjectStore>(options_); }
  std::string Lacks() const override { return S3Server::Lacks(kKind); }

 private:
  S3Options options_;
  std::unique_ptr<S3ObjectStore> store_;
};
constexpr char kVersitygw[] = "versitygw";
constexpr char kMoto[] = "moto";
INSTANTIATE_TYPED_TEST_SUITE_P(Versitygw, ObjectStoreContract, S3Fixture<kVersitygw>);
INSTANTIATE_TYPED_TEST_SUITE_P(Moto, ObjectStoreContract, S3Fixture<kMoto>);

Error Caught(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

TEST(S3ObjectStore, LargeObjectsGoInPartsAndAreNotOverwritten) {
  for (const auto& kind : S3Server::Kinds()) {
    S3ObjectStore store(S3Server::NewBucket(kind));
    const std::string block((size_t{1} << 20) + 7, 'x');
    const auto write = [&](char last) {
      auto writer = store.OpenWriter("t/large");
      for (int i = 0; i < 12; ++i) writer->Write(block);
      writer->Write(std::string(1, last));
      return std::move(*writer).Finish();
    };
    EXPECT_EQ(write('1'), PutOutcome::kCreated) << kind;
    EXPECT_EQ(write('2'), PutOutcome::kExists) << kind;
    const auto size = static_cast<int64_t>(12 * block.size() + 1);
    EXPECT_EQ(store.Size("t/large"), size) << kind;
    EXPECT_EQ(store.GetRange("t/large", size - 1, 1), "1") << kind;
    EXPECT_EQ(store.Get("t/large")->size(), static_cast<size_t>(size)) << kind;
  }
}

TEST(S3ObjectStore, ListsOverPages) {
  if (!S3Server::Lacks(kMoto).empty()) GTEST_SKIP() << S3Server::Lacks(kMoto);
  S3ObjectStore store(S3Server::NewBucket(kMoto));  // a thousand a page
  std::vector<std::string> put;
  for (int i = 0; i < 1203; ++i) {
    put.push_back(std::to_string(10000 + i));
    store.PutIfAbsent("p/" + put.back(), "x");
  }
  std::vector<std::string> listed;
  store.List("p/", "p/10001", [&](const ObjectInfo& info) {
    listed.push_back(info.key.substr(2));
    return true;
  });
  put.erase(put.begin(), put.begin() + 2);
  EXPECT_EQ(listed, put);
}

TEST(S3ObjectStore, RefusalsSayTheMend) {
  if (!S3Server::Lacks(kVersitygw).empty()) GTEST_SKIP() << S3Server::Lacks(kVersitygw);
  auto options = S3Server::NewBucket(kVersitygw);
  auto wrong = options;
  wrong.bucket = "no-such-bucket";
  const auto bucket = Caught([&] { S3ObjectStore(wrong).PutIfAbsent("k", "v"); });
  EXPECT_EQ(bucket.code(), ErrorCode::kStop);
  EXPECT_THAT(bucket.what(), HasSubstr("there is no such bucket"));
  EXPECT_EQ(Caught([&] { S3ObjectStore(wrong).Get("k"); }).code(), ErrorCode::kStop) << "not: absent";
  wrong = options;
  wrong.credentials.keys->secret_access_key = "hush-hush";
  const auto keys = Caught([&] { S3ObjectStore(wrong).PutIfAbsent("k", "v"); });
  EXPECT_EQ(keys.code(), ErrorCode::kStop);
  EXPECT_THAT(keys.what(), HasSubstr("check the access key"));
  EXPECT_THAT(keys.what(), testing::Not(HasSubstr("hush")));
  wrong = options;
  wrong.endpoint = "http://127.0.0.1:1";
  wrong.retry.attempts_max = 2;
  EXPECT_EQ(Caught([&] { S3ObjectStore(wrong).PutIfAbsent("k", "v"); }).code(), ErrorCode::kUnavailable);
}

TEST(S3ObjectStore, UrisOfEverySchemeNameTheSameObject) {
  S3Options options;
  options.bucket = "b-1";
  options.prefix = "wh";
  const S3ObjectStore store(options);
  EXPECT_EQ(store.UriOf("t/a b"), "s3://b-1/wh/t/a b");
  for (const auto* scheme : {"s3", "s3a", "s3n"}) EXPECT_EQ(store.KeyOf(std::string(scheme) + "://b-1/wh/t/x"), "t/x");
  EXPECT_EQ(store.KeyOf("gs://b-1/wh/t/x"), std::nullopt);
  EXPECT_EQ(store.KeyOf("s3://b-1/other/x"), std::nullopt);
  EXPECT_EQ(store.KeyOf("s3://b-10/wh/x"), std::nullopt);
}

TEST(S3Options, UrlOfTheBucket) {
  S3Options options;
  options.bucket = "lake";
  options.region = "eu-west-1";
  EXPECT_EQ(BucketUrl(options), "https://lake.s3.eu-west-1.amazonaws.com");
  options.bucket = "lake.example";
  EXPECT_EQ(BucketUrl(options), "https://s3.eu-west-1.amazonaws.com/lake.example");
  options.endpoint = "http://127.0.0.1:9000/";
  EXPECT_EQ(BucketUrl(options), "http://127.0.0.1:9000/lake.example");
  options.path_style = false;
  EXPECT_EQ(BucketUrl(options), "http://lake.example.127.0.0.1:9000");
  options.endpoint = "127.0.0.1:9000";
  EXPECT_EQ(Caught([&] { BucketUrl(options); }).code(), ErrorCode::kConfig);
  const auto location = ParseS3Uri("s3a://lake/a/b/");
  ASSERT_TRUE(location);
  EXPECT_EQ(location->bucket, "lake");
  EXPECT_EQ(location->prefix, "a/b");
  EXPECT_EQ(ParseS3Uri("/a/b"), std::nullopt);
  EXPECT_THROW(ParseS3Uri("s3://"), Error);
  EXPECT_THROW(ParseS3Uri("s3://lake/../x"), Error);
}

TEST(S3ObjectStore, ServersThatKeepTheConditionPassTheProbe) {
  for (const auto& kind : S3Server::Kinds()) {
    S3ObjectStore store(S3Server::NewBucket(kind));
    EXPECT_NO_THROW(store.ProbeConditionalCreate()) << kind;
    store.List("", "", [](const ObjectInfo& info) {
      ADD_FAILURE() << info.key << " is left";
      return true;
    });
  }
}

}  // namespace
}  // namespace millrace::io
