#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/s3_options.h"
#include "judge/python.h"
#include "services/service.h"

namespace millrace::io {

/// Where tests/services/s3.py serves a bucket per test; parts are of 5 MiB, S3's least.
class S3Server {
 public:
  /// A sentence when the server is not installed.
  static std::string Lacks(const std::string& kind) {
    const auto file =
        std::string(MILLRACE_DEPS_DIR) + (kind == "moto" ? "/moto/bin/moto_server" : "/s3server/versitygw");
    return std::filesystem::exists(file) ? "" : "no " + kind + " is here: run scripts/setup --servers";
  }
  static std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    for (const auto* kind : {"versitygw", "moto"}) {
      if (Lacks(kind).empty()) kinds.emplace_back(kind);
    }
    return kinds;
  }

  static S3Options Options(const std::string& kind, const std::string& bucket) {
    S3Options options;
    options.bucket = bucket;
    options.prefix = "lake/wh";
    options.endpoint = AddressOf(kind);
    options.region = "us-east-1";
    options.credentials.keys = AwsCredentials{"millrace-test", "millrace-test-secret", "", {}};
    options.part_bytes = int64_t{5} << 20;
    return options;
  }

  /// A bucket of its own.
  static S3Options NewBucket(const std::string& kind) {
    static int made = 0;
    auto options = Options(kind, "bucket-" + std::to_string(++made));
    CreateBucket(options);
    return options;
  }

 private:
  static const std::string& AddressOf(const std::string& kind) {
    static const judge::Folder folder;
    static std::map<std::string, std::unique_ptr<services::Service>> servers;
    auto& server = servers[kind];
    if (!server)
      server = std::make_unique<services::Service>("s3.py", std::vector<std::string>{"serve", kind, folder.File(kind)});
    return server->address();
  }

  static void CreateBucket(const S3Options& options) {
    HttpRequest request;
    request.method = "PUT";
    request.url = options.endpoint + "/" + options.bucket;
    SignRequest(request, *options.credentials.keys, {.region = options.region, .service = "s3"}, Clock::System().Now());
    ASSERT_EQ(HttpClient().Send(request).status, 200);
  }
};

}  // namespace millrace::io
