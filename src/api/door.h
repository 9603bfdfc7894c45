#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "api/rate_limit.h"
#include "api/recent_map.h"
#include "api/token_hash.h"
#include "api/token_issuer.h"
#include "base/clock.h"
#include "io/http_call.h"
#include "io/http_routes.h"

namespace millrace::api {

/// A bearer token that somebody may come in with.
struct TokenGrant {
  std::string name;  // whose it is: for logs, never the token
  TokenHash hash;
  std::vector<std::string> roles = {kReads};
  std::optional<Timestamp> expires = std::nullopt;
  double requests_per_second = 0;  // 0: any number
};

/// A client's certificate that somebody may come in with.
struct CertificateGrant {
  std::string name;
  std::string certificate_name;  // of io::HttpCall::certificate_names: "CN:loader"
  std::vector<std::string> roles = {kReads};
};

struct DoorOptions {
  std::string address;             // that is listened on
  std::vector<std::string> hosts;  // names that requests may give as Host, besides the address and loopback's names
  std::vector<TokenGrant> tokens;
  std::vector<CertificateGrant> certificates;
  TokenIssuer* issuer = nullptr;          // outlives the door
  double failures_per_minute = 20;        // wrong tokens of one client; above 0
  double client_requests_per_second = 0;  // 0: any number
};

/// Who may come in. Looks at each request before anything else does:
/// - Host must be a name of this server, else a page elsewhere could reach it by a name of its own (DNS rebinding);
/// - a browser's request must come from a page of this server (Origin, Sec-Fetch-Site), or follow a link to a route
///   that is for reading;
/// - where there are locks (tokens, certificates, an issuer), a key must be shown that is good for the role of the
///   route.
/// Open routes need neither Host nor key. Who shows wrong tokens has to wait, and with it everybody at that address but
/// those whose token was good there before: of a proxy in front, they are the clients. Thread-safe.
class Door {
 public:
  explicit Door(DoorOptions options, const Clock& clock = Clock::System());

  /// The refusal, or nullopt: come in. Says in the call who comes, and whether it was refused.
  std::optional<io::HttpReply> Refuse(io::HttpCall& call);
  /// The refusal of what came in by an open route and is answered by this one.
  std::optional<io::HttpReply> RefuseBehind(io::HttpCall& call, const io::HttpRoute& route) const;
  /// Whether there is anything that keeps strangers out.
  bool has_locks() const;

 private:
  struct Grant {
    TokenGrant given;
    std::unique_ptr<RateLimit> rate;  // null: any
  };

  std::optional<io::HttpReply> Look(io::HttpCall& call);
  std::optional<io::HttpReply> RefuseRole(const io::HttpCall& call, const io::HttpRoute* route) const;
  bool KnowsHost(const io::HttpCall& call) const;
  void TakeCertificate(io::HttpCall& call) const;
  std::optional<io::HttpReply> TakeBearer(io::HttpCall& call, std::string_view bearer);
  std::optional<io::HttpReply> TakeToken(io::HttpCall& call, const Grant& grant);
  std::optional<io::HttpReply> TakeIssued(io::HttpCall& call, std::string_view bearer);
  const Grant* Find(const TokenHash& hash) const;

  const DoorOptions options_;
  const Clock& clock_;
  std::vector<std::string> hosts_;  // empty: any
  std::vector<Grant> grants_;
  RateLimit failures_;
  std::unique_ptr<RateLimit> clients_;  // null: any
  std::mutex mutex_;
  RecentMap<bool> good_;  // client and sum of the token: was good there
};

/// Headers that every reply has unless its handler chose others: no sniffing, no framing, no caching, no scripts.
void AddSecurityHeaders(const io::HttpCall& call, io::HttpReply& reply);

}  // namespace millrace::api
