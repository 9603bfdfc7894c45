#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "io/aws_credentials.h"

/// The places that AwsCredentialsProvider asks, each nullopt when it is not set up, an Error when it is and failed.
namespace millrace::io {

struct AwsPlaces {
  const AwsCredentialsOptions& options;
  HttpClient& http;

  std::optional<std::string> Variable(const std::string& name) const;
  Timestamp Now() const { return options.clock->Now(); }
};

/// Settings of a profile from both files, those of `credentials` first. Error kConfig when it was asked for by name
/// and neither file has it.
std::map<std::string, std::string> AwsProfile(const AwsPlaces& places);

std::optional<AwsCredentials> EnvironmentCredentials(const AwsPlaces& places);
std::optional<AwsCredentials> ProfileCredentials(const AwsPlaces& places);
std::optional<AwsCredentials> WebIdentityCredentials(const AwsPlaces& places);
std::optional<AwsCredentials> ContainerCredentials(const AwsPlaces& places);
std::optional<AwsCredentials> InstanceCredentials(const AwsPlaces& places);

/// The file's bytes without a line break at the end; Error kConfig naming `what` when it cannot be read.
std::string ReadSecretFile(const std::string& path, std::string_view what);

}  // namespace millrace::io
