#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <string>

#include "base/clock.h"

namespace millrace::io {

/// Lists of certificates that were taken back (CRLs, RFC 5280), for connections of one context that has asked clients
/// for certificates. Every authority in the chain of a certificate needs a list that is not past its next update:
/// without one a certificate is not good. Sessions are not resumed, as they would bring a certificate along that nobody
/// looks at again. Used by one thread, that of the handshakes.
class RevocationLists {
 public:
  /// `ca_file` as AskForCertificates has it; `file`: lists, PEM. Borrows the context. Error kConfig when one of the
  /// files cannot be used.
  RevocationLists(SSL_CTX& context, std::string ca_file, std::string file);

  /// Takes up a file that has changed, looking once a second at most. When it cannot be used, what was known stays, and
  /// the log says why.
  void Refresh();

 private:
  struct Seen {
    std::filesystem::file_time_type written{};
    uintmax_t bytes = 0;
    bool operator==(const Seen&) const = default;
  };
  Seen Look() const;
  void Load();

  SSL_CTX& context_;
  const std::string ca_file_;
  const std::string file_;
  Seen seen_;
  SteadyTime looked_{};
};

}  // namespace millrace::io
