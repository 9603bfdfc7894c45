// Any bytes, as an entry of the embedded stream's journal: it is read within its bounds or called damaged. As the
// checksum would keep nearly all of them out, the bytes are also given the one that fits.
//
// First byte: the number of rows; the rest is the meta.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "stream/embedded/crc32c.h"
#include "stream/embedded/journal_entry.h"

namespace {

using namespace millrace;
using namespace millrace::stream;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void Read(const JournalHeader& header, std::string_view head, std::string_view meta) {
  try {
    const auto read = DecodeMeta(header, head, meta);
    Require(read.rows.size() == header.rows, "as many rows as the header says");
    JournalHeader again = header;
    const auto written = EncodeEntry(read, again);
    Require(std::string_view(written).substr(JournalHeader::kBytes).size() == meta.size(), "written as long as read");
    Require(DecodeMeta(again, written, std::string_view(written).substr(JournalHeader::kBytes)).keys.size() ==
                read.keys.size(),
            "read again as it was");
  } catch (const Error& error) {
    Require(error.code() == ErrorCode::kData, error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto header = DecodeHeader(bytes)) Read(*header, bytes, bytes.substr(JournalHeader::kBytes));

  const auto meta = bytes.substr(1);
  JournalHeader header;
  std::string head = EncodeEntry({}, header).substr(0, JournalHeader::kBytes);
  header.rows = data[0];
  header.meta_bytes = static_cast<uint32_t>(meta.size());
  for (uint64_t payloads : {uint64_t{0}, uint64_t{7}}) {
    header.payload_bytes = payloads;
    header.checksum = Crc32c(meta, Crc32c(std::string_view(head).substr(8)));
    Read(header, head, meta);
  }
  return 0;
}
