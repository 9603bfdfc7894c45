#include "api/oidc_issuer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "io/digest.h"

namespace millrace::api {
namespace {

using nlohmann::json;

TokenIssuer::Answer Wrong(std::string why) {
  return {.verdict = TokenIssuer::Verdict::kWrong, .caller = {}, .why = std::move(why)};
}

/// Discarded when it is no object.
json ObjectOf(std::string_view part) {
  std::string text;
  if (!io::DecodeBase64(part, text)) return json(json::value_t::discarded);
  auto object = json::parse(text, nullptr, false);
  return object.is_object() ? object : json(json::value_t::discarded);
}

std::string TextOf(const json& object, const std::string& name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The claim of that whole name, or what stands at the path; null: neither is there.
const json* ClaimAt(const json& claims, std::string_view path) {
  if (const auto whole = claims.find(path); whole != claims.end()) return &*whole;
  const auto* at = &claims;
  while (!path.empty()) {
    const auto end = std::min(path.find('.'), path.size());
    const auto found = at->is_object() ? at->find(path.substr(0, end)) : at->end();
    if (!at->is_object() || found == at->end()) return nullptr;
    at = &*found;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

/// A list of texts, or one with spaces between words, as `scope` is.
std::vector<std::string> WordsOf(const json& claim) {
  std::vector<std::string> words;
  if (claim.is_array()) {
    for (const auto& each : claim) {
      if (each.is_string()) words.push_back(each.get<std::string>());
    }
  } else if (claim.is_string()) {
    const auto& text = claim.get_ref<const std::string&>();
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
      end = std::min(text.find(' ', begin), text.size());
      if (end > begin) words.push_back(text.substr(begin, end - begin));
    }
  }
  return words;
}

}  // namespace

OidcIssuer::OidcIssuer(OidcOptions options, Keys keys, const Clock& clock)
    : options_(std::move(options)), keys_(std::move(keys)), clock_(clock) {}

bool OidcIssuer::MayBeItsOwn(std::string_view token) const {
  return token.starts_with("eyJ") && std::ranges::count(token, '.') == 2;
}

/// Nothing: it is good.
std::optional<TokenIssuer::Answer> OidcIssuer::CheckSignature(std::string_view token, const json& header) const {
  const auto keys = keys_.get();
  if (!keys) {
    keys_.renew();
    return Answer{.verdict = Verdict::kAskAgain,
                  .caller = {},
                  .why = "the keys of the issuer are not there yet; the log says why"};
  }
  std::optional<std::string> id;
  if (header.contains("kid")) id = TextOf(header, "kid");
  if (id && !keys->Has(*id)) {
    if (!keys_.renew()) return Wrong("the token is signed by a key that its issuer does not show");
    return Answer{
        .verdict = Verdict::kAskAgain, .caller = {}, .why = "the keys of the issuer are fetched anew; send this again"};
  }
  const auto dot = token.rfind('.');
  std::string signature;
  if (!io::DecodeBase64(token.substr(dot + 1), signature) ||
      !keys->Verify(TextOf(header, "alg"), id ? std::optional<std::string_view>(*id) : std::nullopt,
                    token.substr(0, dot), signature)) {
    return Wrong("the signature of the token is not good, or of a kind that is not taken: RS256, PS256, ES256, EdDSA");
  }
  return std::nullopt;
}

/// Empty: it is good now and for us.
std::string OidcIssuer::FaultOf(const json& claims) const {
  if (TextOf(claims, "iss") != options_.issuer) return "the token is of another issuer";
  const auto audience = claims.find("aud");
  const auto is_ours = [&](const json& each) { return each == options_.audience; };
  const bool for_us =
      audience != claims.end() &&
      (is_ours(*audience) || (audience->is_array() && std::any_of(audience->begin(), audience->end(), is_ours)));
  if (!for_us) return "the token is for another audience";
  const auto now = std::chrono::duration<double>(clock_.Now().time_since_epoch()).count();
  const auto leeway = static_cast<double>(options_.leeway.count());
  const auto time = [&](const char* name) {
    const auto found = claims.find(name);
    return found == claims.end() ? nullptr : &*found;
  };
  const auto* expires = time("exp");
  if (expires == nullptr || !expires->is_number() || expires->get<double>() + leeway <= now)
    return "the token has expired";
  for (const auto* name : {"nbf", "iat"}) {
    const auto* begins = time(name);
    if (begins != nullptr && (!begins->is_number() || begins->get<double>() - leeway > now)) {
      return "the token is not good yet";
    }
  }
  return TextOf(claims, options_.name_claim).empty() ? "the token does not say whose it is" : "";
}

std::vector<std::string> OidcIssuer::RolesOf(const json& claims) const {
  std::vector<std::string> words = {"*"};
  if (const auto* claim = ClaimAt(claims, options_.roles_claim)) {
    for (auto& word : WordsOf(*claim)) {
      if (word != "*") words.push_back(std::move(word));
    }
  }
  std::vector<std::string> roles;
  for (const auto& word : words) {
    const auto found = options_.roles.find(word);
    if (found != options_.roles.end()) roles.insert(roles.end(), found->second.begin(), found->second.end());
  }
  std::ranges::sort(roles);
  roles.erase(std::ranges::unique(roles).begin(), roles.end());
  return roles;
}

TokenIssuer::Answer OidcIssuer::Check(std::string_view token) {
  const auto first = token.find('.');
  const auto second = token.rfind('.');
  const auto header = ObjectOf(token.substr(0, first));
  if (header.is_discarded() || header.contains("crit"))
    return Wrong("the token is malformed, or needs what is not known here");
  if (auto refusal = CheckSignature(token, header)) return *std::move(refusal);
  const auto claims = ObjectOf(token.substr(first + 1, second - first - 1));
  if (claims.is_discarded()) return Wrong("the token is malformed");
  if (auto fault = FaultOf(claims); !fault.empty()) return Wrong(std::move(fault));
  return {.verdict = Verdict::kGood,
          .caller = {.name = "oidc:" + TextOf(claims, options_.name_claim), .roles = RolesOf(claims)},
          .why = {}};
}

}  // namespace millrace::api
