#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

namespace millrace::io {

/// Public keys of somebody who signs (a JWK Set, RFC 7517), and the signatures that they check (RFC 7515, 7518, 8037):
/// RS256 and PS256 by RSA of 2048 bits or more, ES256 by P-256, EdDSA (or Ed25519, RFC 9864) by Ed25519. A key checks
/// what its kind signs and nothing else; algorithms with a shared secret, and none, are no signatures here. Immutable.
class JsonWebKeys {
 public:
  /// Keys that cannot check one of these are left out, whatever is wrong with them; at most 100 are taken. Error kData
  /// when the text is no set of keys.
  static JsonWebKeys Parse(std::string_view json);

  size_t size() const { return keys_.size(); }
  bool Has(std::string_view id) const;
  /// Whether a key with that id, or any when none is given, signed the text so.
  bool Verify(std::string_view algorithm, std::optional<std::string_view> id, std::string_view text,
              std::string_view signature) const;

 private:
  struct Key {
    std::string id;
    std::string type;       // "RSA", "EC", "OKP"
    std::string algorithm;  // empty: whatever its type can
    std::shared_ptr<EVP_PKEY> key;
  };
  std::vector<Key> keys_;
};

}  // namespace millrace::io
