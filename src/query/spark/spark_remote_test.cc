#include "query/spark/spark_remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::query {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  try {
    ParseSparkRemote(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.what();
  }
  return "no error";
}

TEST(SparkRemote, HasAPortOfItsOwn) {
  const auto remote = ParseSparkRemote("sc://spark.example.org");
  EXPECT_EQ(remote.Url(), "http://spark.example.org:15002");
  EXPECT_EQ(ParseSparkRemote("sc://h:443/").port, 443);
  EXPECT_EQ(ParseSparkRemote("sc://[::1]:15003").Url(), "http://[::1]:15003");
}

TEST(SparkRemote, ReadsWhatStandsBehindIt) {
  const auto remote = ParseSparkRemote("sc://h:1/;use_ssl=true;user_id=etl;x-databricks-cluster-id=0a=;user_agent=me;");
  EXPECT_EQ(remote.Url(), "https://h:1");
  EXPECT_EQ(remote.user_id, "etl");
  ASSERT_EQ(remote.headers.size(), 1U);
  EXPECT_EQ(remote.headers[0].name, "x-databricks-cluster-id");
  EXPECT_EQ(remote.headers[0].value, "0a=");
}

TEST(SparkRemote, SaysWhatIsWrong) {
  EXPECT_THAT(ErrorOf("http://h:15002"), HasSubstr("does not begin with sc://"));
  EXPECT_THAT(ErrorOf("sc://"), HasSubstr("'' is no host"));
  EXPECT_THAT(ErrorOf("sc://me@h"), HasSubstr("'me@h' is no host"));
  EXPECT_THAT(ErrorOf("sc://h:0"), HasSubstr("'0' is no port"));
  EXPECT_THAT(ErrorOf("sc://h:70000"), HasSubstr("'70000' is no port"));
  EXPECT_THAT(ErrorOf("sc://h:1x"), HasSubstr("'1x' is no port"));
  EXPECT_THAT(ErrorOf("sc://h/path"), HasSubstr("'/path' is a path"));
  EXPECT_THAT(ErrorOf("sc://h/;use_ssl"), HasSubstr("'use_ssl' is no parameter"));
  EXPECT_THAT(ErrorOf("sc://h/;use_ssl=yes"), HasSubstr("use_ssl is true or false, not 'yes'"));
  EXPECT_THAT(ErrorOf("sc://h/;token=s3cret"), HasSubstr("does not stand in the address but in `token:`"));
  EXPECT_THAT(ErrorOf("sc://h/;token=s3cret"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(ErrorOf("sc://h/;session_id=x"), HasSubstr("each run has a session of its own"));
}

}  // namespace
}  // namespace millrace::query
