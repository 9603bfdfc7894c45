#include "io/revocation_lists.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "io/openssl_object.h"

namespace millrace::io {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

/// How many lists were put into the store; 0 when one cannot be read.
int AddLists(X509_STORE& store, const std::string& file) {
  const OpensslObject<BIO, &BIO_free_all> text(BIO_new_file(file.c_str(), "r"));
  int count = 0;
  while (text) {
    const OpensslObject<X509_CRL, &X509_CRL_free> list(PEM_read_bio_X509_CRL(text.get(), nullptr, nullptr, nullptr));
    if (!list) break;
    if (X509_STORE_add_crl(&store, list.get()) != 1) return 0;
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return at_end ? count : 0;
}

}  // namespace

RevocationLists::RevocationLists(SSL_CTX& context, std::string ca_file, std::string file)
    : context_(context), ca_file_(std::move(ca_file)), file_(std::move(file)) {
  SSL_CTX_set_session_cache_mode(&context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(&context_, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(&context_, 0);
  seen_ = Look();
  Load();
}

RevocationLists::Seen RevocationLists::Look() const {
  std::error_code failure;
  Seen seen;
  seen.written = std::filesystem::last_write_time(file_, failure);
  if (!failure) seen.bytes = std::filesystem::file_size(file_, failure);
  return failure ? Seen{} : seen;
}

void RevocationLists::Load() {
  const OpensslObject<X509_STORE, &X509_STORE_free> store(X509_STORE_new());
  if (!store || X509_STORE_load_file(store.get(), ca_file_.c_str()) != 1 || AddLists(*store, file_) == 0) {
    ERR_clear_error();
    throw Error(ErrorCode::kConfig,
                fmt::format("the lists of revoked certificates in {} cannot be used; give a PEM file "
                            "with a list of each authority, that this user may read",
                            file_));
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  SSL_CTX_set1_verify_cert_store(&context_, store.get());
}

void RevocationLists::Refresh() {
  const auto now = Clock::System().Steady();
  if (now - looked_ < kLookEvery) return;
  looked_ = now;
  const auto seen = Look();
  if (seen == seen_) return;
  seen_ = seen;
  try {
    Load();
    LogInfo("http: {} was read anew", file_);
  } catch (const Error& error) {
    LogWarning("http: {}; those that were read last stay in force", error.what());
  }
}

}  // namespace millrace::io
