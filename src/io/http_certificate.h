#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

namespace millrace::io {

/// Clients are asked for a certificate that leads to one of the file (PEM); without one, or with another one, a
/// connection ends where it is `required`. One that is shown is always checked. Error kConfig when the file cannot be
/// used.
void AskForCertificates(SSL_CTX& context, const std::string& ca_file, bool required);

/// What the certificate of the other side calls it: "CN:a", "DNS:a", "URI:a", "email:a". Empty: it showed none. Names
/// with a zero byte in them are left out.
std::vector<std::string> CertificateNames(SSL& connection);

}  // namespace millrace::io
