#include "io/certificate.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "base/error.h"

namespace millrace::io {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Error Wrong(const std::string& file, std::string_view what) {
  ERR_clear_error();
  return {ErrorCode::kConfig, fmt::format("{} {}; name the right file (PEM), and let this user read it", file, what)};
}

Bio Open(const std::string& file) {
  Bio bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) throw Wrong(file, "cannot be read");
  return bio;
}

X509Ptr Load(const std::string& file) {
  X509Ptr certificate(PEM_read_bio_X509(Open(file).get(), nullptr, nullptr, nullptr));
  if (!certificate) throw Wrong(file, "holds no certificate");
  return certificate;
}

Timestamp TimeOf(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return Timestamp(std::chrono::seconds(timegm(&parts)));
}

/// A key with a passphrase is none that a server can start with by itself.
int NoPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

Certificate ReadCertificate(const std::string& file) {
  const auto certificate = Load(file);
  const Bio text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  char* begin = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &begin);
  return {.subject = std::string(begin, static_cast<size_t>(size)),
          .not_before = TimeOf(X509_get0_notBefore(certificate.get())),
          .not_after = TimeOf(X509_get0_notAfter(certificate.get()))};
}

void RequireKeyOf(const std::string& certificate_file, const std::string& key_file) {
  const auto certificate = Load(certificate_file);
  const Key key(PEM_read_bio_PrivateKey(Open(key_file).get(), nullptr, NoPassphrase, nullptr));
  if (!key) throw Wrong(key_file, "holds no private key without a passphrase");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    throw Wrong(key_file, fmt::format("is not the key of {}", certificate_file));
}

}  // namespace millrace::io
