#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "io/aws_places.h"
#include "io/digest.h"
#include "io/percent_encoding.h"

namespace millrace::io {
namespace {

using Settings = std::map<std::string, std::string>;

std::string_view Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The settings of one section of a file in the AWS tools' form; nullopt when there is no such file or section.
std::optional<Settings> ReadSection(const std::string& path, const std::string& section) {
  if (!std::filesystem::is_regular_file(path)) return std::nullopt;
  std::istringstream lines(ReadSecretFile(path, "the AWS file"));
  std::optional<Settings> settings;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const auto text = Trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    if (text.front() == '[') {
      inside = Trimmed(text.substr(1, text.find(']') - 1)) == section;
      if (inside && !settings) settings.emplace();
      continue;
    }
    const auto equals = text.find('=');
    const bool nested = line.front() == ' ' || line.front() == '\t';  // of a setting we do not read
    if (!inside || nested || equals == std::string_view::npos) continue;
    settings->emplace(Trimmed(text.substr(0, equals)), Trimmed(text.substr(equals + 1)));
  }
  return settings;
}

std::string HomeOf(const AwsPlaces& places) { return places.Variable("HOME").value_or("/"); }

std::string ConfigFile(const AwsPlaces& places) {
  return places.Variable("AWS_CONFIG_FILE").value_or(HomeOf(places) + "/.aws/config");
}

/// A sign-on session: what `aws sso login` left in its cache.
struct SsoSession {
  std::string key;  // of the cache file
  std::string region;
};

SsoSession SessionOf(const AwsPlaces& places, const Settings& profile) {
  const auto named = profile.find("sso_session");
  if (named == profile.end())
    return {profile.at("sso_start_url"), profile.count("sso_region") ? profile.at("sso_region") : ""};
  const auto session = ReadSection(ConfigFile(places), "sso-session " + named->second);
  if (!session || !session->contains("sso_region"))
    throw Error(ErrorCode::kConfig,
                fmt::format("{} has no [sso-session {}] with an sso_region; run `aws configure sso`",
                            ConfigFile(places), named->second));
  return {named->second, session->at("sso_region")};
}

std::string AccessToken(const AwsPlaces& places, const SsoSession& session) {
  const auto file = fmt::format("{}/.aws/sso/cache/{}.json", HomeOf(places), Hex(Sha1(session.key)));
  const Error login(
      ErrorCode::kConfig,
      fmt::format("the AWS sign-on session '{}' has ended or never began; run `aws sso login`", session.key));
  if (!std::filesystem::exists(file)) throw login;
  const auto token = nlohmann::json::parse(ReadSecretFile(file, "the AWS sign-on cache"), nullptr, false);
  if (!token.is_object() || !token.contains("accessToken") || !token.contains("expiresAt")) throw login;
  const auto expires = ParseTimestamp(token["expiresAt"].get<std::string>());
  if (!expires || *expires <= places.Now()) throw login;
  return token["accessToken"].get<std::string>();
}

AwsCredentials SsoCredentials(const AwsPlaces& places, const Settings& profile) {
  const auto session = SessionOf(places, profile);
  if (!profile.contains("sso_account_id") || !profile.contains("sso_role_name"))
    throw Error(ErrorCode::kConfig,
                "an AWS sign-on profile needs sso_account_id and sso_role_name; run `aws configure sso`");
  const auto endpoint = places.Variable("AWS_ENDPOINT_URL_SSO")
                            .value_or(fmt::format("https://portal.sso.{}.amazonaws.com", session.region));
  HttpRequest request;
  request.url = fmt::format("{}/federation/credentials?account_id={}&role_name={}", endpoint,
                            PercentEncoded(profile.at("sso_account_id")), PercentEncoded(profile.at("sso_role_name")));
  request.headers = {{"x-amz-sso_bearer_token", AccessToken(places, session)}};
  request.response_bytes_max = 1 << 20;
  const auto response = places.http.Send(request);
  const auto answer = nlohmann::json::parse(response.body, nullptr, false);
  if (response.status != 200 || !answer.is_object() || !answer.contains("roleCredentials"))
    throw Error(
        response.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kConfig,
        fmt::format("AWS sign-on gave no credentials for role {} (status {}); run `aws sso login`, and check the "
                    "role and account of the profile",
                    profile.at("sso_role_name"), response.status));
  const auto& keys = answer["roleCredentials"];
  return {keys.value("accessKeyId", ""), keys.value("secretAccessKey", ""), keys.value("sessionToken", ""),
          Timestamp(std::chrono::milliseconds(keys.value("expiration", int64_t{0})))};
}

}  // namespace

std::map<std::string, std::string> AwsProfile(const AwsPlaces& places) {
  const auto asked = places.options.profile.empty() ? places.Variable("AWS_PROFILE") : places.options.profile;
  const auto name = asked.value_or("default");
  const auto keys_file = places.Variable("AWS_SHARED_CREDENTIALS_FILE").value_or(HomeOf(places) + "/.aws/credentials");
  auto settings = ReadSection(keys_file, name);
  auto config = ReadSection(ConfigFile(places), name == "default" ? name : "profile " + name);
  if (!settings && !config && asked)
    throw Error(ErrorCode::kConfig,
                fmt::format("there is no AWS profile '{}' in {} or {}", name, keys_file, ConfigFile(places)));
  Settings merged = std::move(settings).value_or(Settings{});
  if (config) merged.merge(*config);
  return merged;
}

std::optional<AwsCredentials> ProfileCredentials(const AwsPlaces& places) {
  const auto profile = AwsProfile(places);
  const auto get = [&](const char* name) {
    const auto found = profile.find(name);
    return found == profile.end() ? std::string() : found->second;
  };
  if (!get("aws_access_key_id").empty() && !get("aws_secret_access_key").empty())
    return AwsCredentials{get("aws_access_key_id"), get("aws_secret_access_key"), get("aws_session_token"),
                          std::nullopt};
  if (!get("sso_session").empty() || !get("sso_start_url").empty()) return SsoCredentials(places, profile);
  return std::nullopt;
}

}  // namespace millrace::io
