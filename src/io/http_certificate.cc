#include "io/http_certificate.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "io/openssl_object.h"

namespace millrace::io {
namespace {

void AddName(std::vector<std::string>& names, const char* kind, const ASN1_STRING* value) {
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, value);
  if (size < 0) return;
  const std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  // "good.example\0.evil.example" is no name.
  if (!name.empty() && name.find('\0') == std::string::npos) names.push_back(kind + name);
}

}  // namespace

void AskForCertificates(SSL_CTX& context, const std::string& ca_file, bool required) {
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(ca_file.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(&context, ca_file.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    throw Error(ErrorCode::kConfig,
                fmt::format("the certificates of clients' authorities in {} cannot be used; give a PEM file that this "
                            "user may read",
                            ca_file));
  }
  SSL_CTX_set_client_CA_list(&context, names);
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  // A session that is resumed keeps the certificate it began with; OpenSSL wants to know whose sessions these are.
  constexpr unsigned char kSessions[] = "millrace";
  SSL_CTX_set_session_id_context(&context, kSessions, sizeof kSessions - 1);
}

std::vector<std::string> CertificateNames(SSL& connection) {
  std::vector<std::string> names;
  const OpensslObject<X509, &X509_free> certificate(SSL_get1_peer_certificate(&connection));
  if (!certificate || SSL_get_verify_result(&connection) != X509_V_OK) return names;
  const auto* subject = X509_get_subject_name(certificate.get());
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    AddName(names, "CN:", X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  }
  const OpensslObject<GENERAL_NAMES, &GENERAL_NAMES_free> others(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; others && i < sk_GENERAL_NAME_num(others.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(others.get(), i);
    if (name->type == GEN_DNS) AddName(names, "DNS:", name->d.dNSName);
    if (name->type == GEN_URI) AddName(names, "URI:", name->d.uniformResourceIdentifier);
    if (name->type == GEN_EMAIL) AddName(names, "email:", name->d.rfc822Name);
  }
  return names;
}

}  // namespace millrace::io
