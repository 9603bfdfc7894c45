#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/aws_places.h"
#include "io/http_url.h"
#include "io/percent_encoding.h"
#include "io/xml.h"

namespace millrace::io {
namespace {

constexpr int64_t kAnswerBytesMax = 1 << 20;

HttpRequest Request(std::string method, std::string url, std::vector<HttpHeader> headers = {}) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers = std::move(headers);
  request.timeout = std::chrono::seconds(10);
  request.response_bytes_max = kAnswerBytesMax;
  return request;
}

/// The keys of an answer of the container's or the instance's endpoint.
AwsCredentials FromJson(const HttpResponse& response, std::string_view what) {
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  const bool whole = answer.is_object() && answer.contains("AccessKeyId") && answer.contains("SecretAccessKey");
  if (response.status != 200 || !whole)
    throw Error(
        ErrorCode::kUnavailable,
        fmt::format("{} gave no AWS credentials (status {}); check that a role is attached", what, response.status));
  AwsCredentials credentials{answer["AccessKeyId"].get<std::string>(), answer["SecretAccessKey"].get<std::string>(),
                             answer.value("Token", ""), std::nullopt};
  if (answer.contains("Expiration")) credentials.expires = ParseTimestamp(answer["Expiration"].get<std::string>());
  return credentials;
}

/// The token for the container's endpoint may be sent in the clear only where no network is between.
bool MayBeAsked(const std::string& url) {
  constexpr std::array<std::string_view, 3> kOrigins = {
      "http://169.254.170.2:", "http://169.254.170.23:", "http://[fd00:ec2::23]:"};
  const auto origin = OriginOf(url);
  return MaySendSecretsTo(url) ||
         std::ranges::any_of(kOrigins, [&](std::string_view each) { return origin.starts_with(each); });
}

}  // namespace

std::optional<AwsCredentials> ContainerCredentials(const AwsPlaces& places) {
  std::string url;
  if (const auto relative = places.Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    url = "http://169.254.170.2" + *relative;
  } else if (const auto full = places.Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    url = *full;
  } else {
    return std::nullopt;
  }
  if (!MayBeAsked(url))
    throw Error(ErrorCode::kConfig,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http on loopback or a container's own address");
  auto request = Request("GET", url);
  if (const auto file = places.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    request.headers.push_back({"Authorization", ReadSecretFile(*file, "the container's token file")});
  } else if (const auto token = places.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
    request.headers.push_back({"Authorization", *token});
  }
  return FromJson(places.http.Send(request), "the container's endpoint");
}

/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
std::optional<AwsCredentials> InstanceCredentials(const AwsPlaces& places) {
  if (places.Variable("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return std::nullopt;
  const auto base = places.Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254") + "/latest";
  auto ask = Request("PUT", base + "/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}});
  ask.connect_timeout = ask.timeout = std::chrono::seconds(1);  // off EC2 nobody answers
  HttpResponse token;
  try {
    token = places.http.Send(ask);
  } catch (const HttpFailure&) {
    return std::nullopt;
  }
  if (token.status != 200) return std::nullopt;
  const HttpHeader proof{"X-aws-ec2-metadata-token", token.body};
  const auto folder = base + "/meta-data/iam/security-credentials/";
  const auto role = places.http.Send(Request("GET", folder, {proof}));
  if (role.status == 404) return std::nullopt;  // an instance without a role
  const auto name = role.body.substr(0, role.body.find('\n'));
  return FromJson(places.http.Send(Request("GET", folder + PercentEncoded(name), {proof})), "the instance's metadata");
}

/// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
std::optional<AwsCredentials> WebIdentityCredentials(const AwsPlaces& places) {
  const auto file = places.Variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto role = places.Variable("AWS_ROLE_ARN");
  if (!file || !role) return std::nullopt;
  const auto region = AwsRegion(places.options);
  const auto endpoint =
      places.Variable("AWS_ENDPOINT_URL_STS")
          .value_or(region.empty() ? "https://sts.amazonaws.com" : fmt::format("https://sts.{}.amazonaws.com", region));
  const auto session = places.Variable("AWS_ROLE_SESSION_NAME").value_or("millrace");
  const auto body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
      PercentEncoded(*role), PercentEncoded(session), PercentEncoded(ReadSecretFile(*file, "the web identity token")));
  auto request = Request("POST", endpoint + "/", {{"Content-Type", "application/x-www-form-urlencoded"}});
  request.body = body;
  const auto response = places.http.Send(request);
  if (response.status != 200)
    throw Error(
        response.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kConfig,
        fmt::format("AWS STS refused the web identity for role {} (status {}); check the role's trust policy and "
                    "that the token in AWS_WEB_IDENTITY_TOKEN_FILE is fresh",
                    *role, response.status));
  const auto root = ParseXml(response.body);
  const auto* result = root.Child("AssumeRoleWithWebIdentityResult");
  const auto* keys = result == nullptr ? nullptr : result->Child("Credentials");
  if (keys == nullptr) throw Error(ErrorCode::kUnavailable, "AWS STS answered without credentials");
  return AwsCredentials{keys->TextOf("AccessKeyId"), keys->TextOf("SecretAccessKey"), keys->TextOf("SessionToken"),
                        ParseTimestamp(keys->TextOf("Expiration"))};
}

}  // namespace millrace::io
