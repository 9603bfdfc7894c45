#include "io/google_token.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/aws_places.h"
#include "io/digest.h"
#include "io/openssl_object.h"
#include "io/percent_encoding.h"

namespace millrace::io {
namespace {

using nlohmann::json;

constexpr const char* kTokenUri = "https://oauth2.googleapis.com/token";
constexpr std::chrono::seconds kAssertionLives{3600};

std::string Member(const json& key, const char* name) {
  const auto found = key.find(name);
  if (found == key.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    throw Error(ErrorCode::kConfig,
                fmt::format("Google's credentials: no text `{}`; download the key file anew", name));
  }
  return *found;
}

std::string SignedRs256(std::string_view text, const std::string& pem) {
  const OpensslObject<BIO, &BIO_free_all> file(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const OpensslObject<EVP_PKEY, &EVP_PKEY_free> key(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr));
  const OpensslObject<EVP_MD_CTX, &EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1) {
    throw Error(ErrorCode::kConfig, "Google's credentials: `private_key` is no RSA key; download the key file anew");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) !=
      1) {
    throw Error(ErrorCode::kInternal, "OpenSSL gave no signature");
  }
  signature.resize(size);
  return signature;
}

/// RFC 7523, section 2.1: the account says by its key who it is.
std::string AssertionForm(const json& key, const std::string& uri, const GoogleCredentialsOptions& options) {
  const auto now = std::chrono::floor<std::chrono::seconds>(options.clock->Now()).time_since_epoch();
  const json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", key.value("private_key_id", "")}};
  const json claims = {{"iss", Member(key, "client_email")},
                       {"scope", options.scope},
                       {"aud", uri},
                       {"iat", now.count()},
                       {"exp", (now + kAssertionLives).count()}};
  const auto signing = Base64Url(header.dump()) + "." + Base64Url(claims.dump());
  return "grant_type=" + PercentEncoded("urn:ietf:params:oauth:grant-type:jwt-bearer") + "&assertion=" + signing + "." +
         Base64Url(SignedRs256(signing, Member(key, "private_key")));
}

std::string RefreshForm(const json& key) {
  std::string form = "grant_type=refresh_token";
  for (const auto* name : {"client_id", "client_secret", "refresh_token"}) {
    form += fmt::format("&{}={}", name, PercentEncoded(Member(key, name)));
  }
  return form;
}

}  // namespace

GoogleTokens::GoogleTokens(GoogleCredentialsOptions options, HttpClient& http)
    : options_(std::move(options)), http_(http), kept_([this] { return Fetch(); }, *options_.clock) {}

std::optional<std::string> GoogleTokens::Variable(const std::string& name) const {
  if (options_.environment) return options_.environment(name);
  const char* value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

/// The text of the key file; empty when there is none.
std::string GoogleTokens::KeyFile() const {
  if (!options_.json.empty()) return options_.json;
  if (const auto named = Variable("GOOGLE_APPLICATION_CREDENTIALS")) {
    return ReadSecretFile(*named, "GOOGLE_APPLICATION_CREDENTIALS");
  }
  const auto home = Variable("HOME");
  const auto usual = home.value_or("") + "/.config/gcloud/application_default_credentials.json";
  return home && std::filesystem::exists(usual) ? ReadSecretFile(usual, "gcloud's credentials") : "";
}

OAuth2Token GoogleTokens::Fetch() {
  const auto file = KeyFile();
  if (file.empty()) {
    // https://cloud.google.com/compute/docs/metadata/querying-metadata
    HttpRequest request;
    request.url = fmt::format("http://{}/computeMetadata/v1/instance/service-accounts/default/token",
                              Variable("GCE_METADATA_HOST").value_or("metadata.google.internal"));
    request.headers = {{"Metadata-Flavor", "Google"}};
    request.timeout = std::chrono::seconds(10);
    const auto mend = "give `credentials`, set GOOGLE_APPLICATION_CREDENTIALS, or give the machine a service account";
    try {
      return FetchOAuth2Token(http_, request, mend, *options_.clock);
    } catch (const HttpFailure& failure) {
      throw Error(ErrorCode::kUnavailable,
                  fmt::format("no credentials of Google's are here, and the machine's metadata "
                              "service does not answer ({}); {}",
                              failure.message(), mend));
    }
  }
  const auto key = json::parse(file, nullptr, false);
  if (!key.is_object()) throw Error(ErrorCode::kConfig, "Google's credentials are no JSON object; give a key file");
  const auto type = Member(key, "type");
  const auto uri = key.value("token_uri", std::string(kTokenUri));
  std::string form;
  if (type == "service_account") {
    form = AssertionForm(key, uri, options_);
  } else if (type == "authorized_user") {
    form = RefreshForm(key);
  } else {
    throw Error(ErrorCode::kConfig,
                fmt::format("Google's credentials are of the type {}; give those of a service account", type));
  }
  return FetchOAuth2Token(http_, TokenRequest(uri, form), "check the key of the account, its rights and this clock",
                          *options_.clock);
}

}  // namespace millrace::io
