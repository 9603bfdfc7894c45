#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/token_hash.h"
#include "base/clock.h"
#include "config/mark.h"
#include "config/value_types.h"

/// Who may come in to the HTTP server, as people write it.
namespace millrace::app {

/// A token that was given as a secret: nothing but its hash is kept.
struct GivenToken {
  api::TokenHash hash;
  size_t characters = 0;
};

enum class RoleWord { kRead, kIngest, kOperate, kQuery, kAdmin };
enum class ClientCertificateWord { kOptional, kRequired };

struct ServerTokenConfig : config::Located {
  std::optional<GivenToken> token;
  std::optional<api::TokenHash> hash;
  std::vector<RoleWord> roles;
  std::optional<Timestamp> expires;
  int64_t requests_per_second = 0;
};

struct ServerClientConfig : config::Located {
  std::string certificate;
  std::vector<RoleWord> roles;
};

struct ServerTlsConfig : config::Located {
  config::Path certificate;
  config::Path key;
  std::optional<config::Path> client_ca;
  std::optional<config::Path> client_crl;
  ClientCertificateWord client_certificates{};
  std::map<std::string, ServerClientConfig> clients;
};

struct DoorLimitsConfig : config::Located {
  int64_t failures_per_minute = 0;
  int64_t requests_per_second = 0;
};

struct AuditConfig : config::Located {
  std::optional<config::Path> file;
  config::ByteSize file_size;
  int64_t files = 0;
  bool events = false;
};

struct OidcConfig : config::Located {
  std::string issuer;
  std::string audience;
  std::string roles_claim;
  std::string name_claim;
  std::map<std::string, std::vector<RoleWord>> roles;
  config::Duration leeway{};
  std::optional<config::Path> ca;
};

}  // namespace millrace::app
