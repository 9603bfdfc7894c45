#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/token_issuer.h"
#include "base/clock.h"
#include "io/json_web_keys.h"

namespace millrace::api {

struct OidcOptions {
  std::string issuer;
  std::string audience;
  std::string roles_claim = "roles";  // its name, or a path of members: "realm_access.roles"
  std::string name_claim = "sub";
  /// By a word of the roles claim; "*": whoever the issuer knows.
  std::map<std::string, std::vector<std::string>> roles;
  std::chrono::seconds leeway{60};
};

/// Tokens of an OpenID Connect issuer (JWT, RFC 7519, checked as RFC 8725 advises): its signature by one of the
/// issuer's keys with an algorithm of JsonWebKeys; iss and aud as configured; exp, and nbf and iat where they are
/// there; no critical extension. What it says of roles is looked up, never taken as it is.
class OidcIssuer final : public TokenIssuer {
 public:
  /// Where keys come from: IssuerKeys, or a test's.
  struct Keys {
    std::function<std::shared_ptr<const io::JsonWebKeys>()> get;
    std::function<bool()> renew;
  };
  OidcIssuer(OidcOptions options, Keys keys, const Clock& clock = Clock::System());

  bool MayBeItsOwn(std::string_view token) const override;
  Answer Check(std::string_view token) override;

 private:
  std::optional<Answer> CheckSignature(std::string_view token, const nlohmann::json& header) const;
  std::string FaultOf(const nlohmann::json& claims) const;
  std::vector<std::string> RolesOf(const nlohmann::json& claims) const;

  const OidcOptions options_;
  const Keys keys_;
  const Clock& clock_;
};

}  // namespace millrace::api
