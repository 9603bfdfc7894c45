// Any bytes, as the keys of an issuer and, behind the first line break, as a token: what is read is told, and nothing
// is let in that the issuer did not sign. A token is also taken as two lines, its header and its claims, and signed
// here, so that what stands in it is read too.
#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/oidc_issuer.h"
#include "base/error.h"
#include "io/digest.h"
#include "io/json_web_keys.h"

namespace {

using millrace::api::OidcIssuer;
using millrace::api::TokenIssuer;
using millrace::io::Base64Url;
using millrace::io::JsonWebKeys;

const std::string kSecret(32, 'k');

EVP_PKEY* Key() {
  static EVP_PKEY* key = EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(kSecret.data()), kSecret.size());
  return key;
}

std::string Ours() {
  std::string bytes(32, '\0');
  size_t size = bytes.size();
  EVP_PKEY_get_raw_public_key(Key(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
  return R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":")" + Base64Url(bytes) + R"("}]})";
}

std::string Signed(const std::string& text) {
  std::string signature(64, '\0');
  size_t size = signature.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, nullptr, nullptr, Key());
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MD_CTX_free(context);
  return text + "." + Base64Url(signature);
}

TokenIssuer::Answer Check(const JsonWebKeys& keys, const std::string& token) {
  const auto shared = std::make_shared<const JsonWebKeys>(keys);
  OidcIssuer issuer(
      {.issuer = "https://login", .audience = "lake", .roles_claim = "a.roles", .roles = {{"r", {"read"}}}},
      {.get = [&] { return shared; }, .renew = [] { return false; }});
  if (!issuer.MayBeItsOwn(token)) return {};
  return issuer.Check(token);
}

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), input.size());
  const auto token = input.substr(std::min(end + 1, input.size()));
  static const auto ours = JsonWebKeys::Parse(Ours());
  Require(ours.size() == 1, "the key of this target is none");
  try {
    const auto keys = JsonWebKeys::Parse(input.substr(0, end));
    Require(keys.size() <= 100, "more keys were taken than are");
    Check(keys, token);
  } catch (const millrace::Error& error) {
    Require(error.code() == millrace::ErrorCode::kData, "a set of keys is refused as something else");
  }
  Require(Check(ours, token).verdict != TokenIssuer::Verdict::kGood, "a token was let in that nobody signed");
  // Its parts as text, so that what is changed is what is read.
  const auto dot = token.find('\n');
  const auto header = token.substr(0, dot);
  const auto claims = dot == std::string::npos ? std::string() : token.substr(dot + 1);
  const auto answer = Check(ours, Signed(Base64Url(header) + "." + Base64Url(claims)));
  if (answer.verdict != TokenIssuer::Verdict::kGood) return 0;
  Require(answer.caller.name.size() > 5 && answer.caller.name.starts_with("oidc:"), "somebody without a name is in");
  Require(answer.caller.roles.size() <= 1, "there are roles that nobody gave");
  return 0;
}
