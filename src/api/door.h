#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/http_call.h"
#include "io/http_routes.h"

namespace millrace::api {

/// A bearer token that somebody may come in with.
struct TokenGrant {
  std::string name;  // whose it is: for logs, never the token
  std::string token;
  std::vector<std::string> roles = {"read"};  // of io::HttpRoute::role
};

struct DoorOptions {
  std::string address;             // that is listened on
  std::vector<std::string> hosts;  // names that requests may give as Host, besides the address and loopback's names
  std::vector<TokenGrant> tokens;  // empty: nobody needs one
};

/// Who may come in. Looks at each request before anything else does:
/// - Host must be a name of this server, else a page elsewhere could reach it by a name of its own (DNS rebinding);
/// - a browser's request must come from a page of this server (Origin, Sec-Fetch-Site), or follow a link to a route
///   that is for reading;
/// - where there are tokens, one of them must be shown that is good for the role of the route. Kept are their SHA-256
///   sums, compared in constant time.
/// Open routes need neither Host nor token. Immutable.
class Door {
 public:
  explicit Door(const DoorOptions& options);

  /// The refusal, or nullopt: come in.
  std::optional<io::HttpReply> Refuse(const io::HttpCall& call, const io::HttpRoute* route) const;
  /// Whether the caller may see more than an open route shows to anyone.
  bool Knows(const io::HttpCall& call) const;
  /// What the caller may do; where there are no tokens, everything.
  std::vector<std::string> RolesOf(const io::HttpCall& call) const;
  bool has_tokens() const { return !grants_.empty(); }

 private:
  bool KnowsHost(const io::HttpCall& call) const;

  std::vector<std::string> hosts_;  // empty: any
  struct Grant {
    std::string sum;
    std::vector<std::string> roles;
  };
  /// Of the token that the caller shows; null: of none that is known.
  const Grant* Find(const io::HttpCall& call) const;
  static bool Allows(const Grant& grant, const std::string& role);

  std::vector<Grant> grants_;
};

/// 127.0.0.0/8 or ::1.
bool IsLoopback(const std::string& address);

/// Headers that every reply has unless its handler chose others: no sniffing, no framing, no caching, no scripts.
void AddSecurityHeaders(const io::HttpCall& call, io::HttpReply& reply);

}  // namespace millrace::api
