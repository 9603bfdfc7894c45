#include <cstring>

#include "event/blank.h"
#include "source/file/record_scanner.h"

namespace millrace::source {
namespace {

/// Lines that end in LF or CRLF; blank ones are none.
class LineScanner final : public RecordScanner {
 public:
  size_t Scan(std::string_view block, bool last, std::vector<event::Span>* records) override {
    size_t begin = 0;
    while (begin < block.size()) {
      const void* found = std::memchr(block.data() + begin, '\n', block.size() - begin);
      if (found == nullptr) break;
      const auto end = static_cast<size_t>(static_cast<const char*>(found) - block.data());
      Add(block, begin, end, records);
      begin = end + 1;
    }
    if (!last) return begin;
    if (begin < block.size()) Add(block, begin, block.size(), records);
    return block.size();
  }

  void StartSkip(std::string_view) override {}

  size_t Skip(std::string_view more) override {
    const auto end = more.find('\n');
    return end == std::string_view::npos ? kNotYet : end + 1;
  }

 private:
  static void Add(std::string_view block, size_t begin, size_t end, std::vector<event::Span>* records) {
    if (end > begin && block[end - 1] == '\r') --end;
    if (end == begin) return;
    if (static_cast<unsigned char>(block[begin]) <= ' ' && event::IsBlank(block.substr(begin, end - begin))) return;
    records->push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end - begin)});
  }
};

}  // namespace

std::unique_ptr<RecordScanner> MakeLineScanner() { return std::make_unique<LineScanner>(); }

}  // namespace millrace::source
