#include "io/xml.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/error.h"

namespace millrace::io {
namespace {

constexpr int kDepthMax = 16;
constexpr std::string_view kBlank = " \t\r\n";

void AppendUtf8(uint32_t code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | (code >> 12));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | (code >> 18));
    text += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    text += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  explicit Parser(std::string_view document) : document_(document), rest_(document) {}

  XmlElement Document() {
    SkipProlog();
    return Element(0);
  }

 private:
  [[noreturn]] void Fail(std::string_view what) const {
    throw Error(ErrorCode::kData,
                fmt::format("the answer is no XML: {} at byte {}; check that the endpoint is that of the service", what,
                            document_.size() - rest_.size()));
  }

  bool Skip(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  /// What stands before `word`, which is skipped too.
  std::string_view Until(std::string_view word) {
    const auto end = rest_.find(word);
    if (end == std::string_view::npos) Fail(fmt::format("'{}' is missing", word));
    const auto before = rest_.substr(0, end);
    rest_.remove_prefix(end + word.size());
    return before;
  }

  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size())); }

  void SkipProlog() {
    Skip("\xEF\xBB\xBF");
    for (SkipBlanks();; SkipBlanks()) {
      if (Skip("<?")) {
        Until("?>");
      } else if (Skip("<!--")) {
        Until("-->");
      } else {
        return;
      }
    }
  }

  static std::string LocalName(std::string_view tag) {
    tag = tag.substr(0, tag.find_first_of(" \t\r\n/"));
    const auto colon = tag.find(':');
    return std::string(colon == std::string_view::npos ? tag : tag.substr(colon + 1));
  }

  XmlElement Element(int depth) {
    if (depth >= kDepthMax) Fail("it is nested too deep");
    if (!Skip("<") || rest_.starts_with('!')) Fail("an element is missing");
    const auto tag = Until(">");
    XmlElement element;
    element.name = LocalName(tag);
    if (element.name.empty()) Fail("an element has no name");
    if (!tag.ends_with('/')) Content(element, depth);
    return element;
  }

  void Content(XmlElement& element, int depth) {
    for (;;) {
      AppendText(rest_.substr(0, rest_.find('<')), element.text);
      rest_.remove_prefix(std::min(rest_.find('<'), rest_.size()));
      if (Skip("</")) {
        if (LocalName(Until(">")) != element.name) Fail(fmt::format("'{}' is not closed", element.name));
        return;
      }
      if (Skip("<![CDATA[")) {
        element.text += Until("]]>");
      } else if (Skip("<!--")) {
        Until("-->");
      } else {
        element.children.push_back(Element(depth + 1));
      }
    }
  }

  void AppendText(std::string_view raw, std::string& text) const {
    for (;;) {
      const auto ampersand = raw.find('&');
      text += raw.substr(0, ampersand);
      if (ampersand == std::string_view::npos) return;
      const auto end = raw.find(';', ampersand);
      if (end == std::string_view::npos) Fail("an entity is not closed");
      AppendEntity(raw.substr(ampersand + 1, end - ampersand - 1), text);
      raw.remove_prefix(end + 1);
    }
  }

  void AppendEntity(std::string_view name, std::string& text) const {
    constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
        {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
    for (const auto& [entity, character] : kEntities) {
      if (name == entity) {
        text += character;
        return;
      }
    }
    if (!name.starts_with('#')) Fail("an entity is not known");
    const int base = name.starts_with("#x") ? 16 : 10;
    const auto digits = name.substr(base == 16 ? 2 : 1);
    uint32_t code = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || code > 0x10FFFF)
      Fail("an entity is no character");
    AppendUtf8(code, text);
  }

  std::string_view document_;
  std::string_view rest_;
};

}  // namespace

const XmlElement* XmlElement::Child(std::string_view child) const {
  for (const auto& element : children) {
    if (element.name == child) return &element;
  }
  return nullptr;
}

std::string XmlElement::TextOf(std::string_view child) const {
  const auto* element = Child(child);
  return element == nullptr ? "" : element->text;
}

XmlElement ParseXml(std::string_view document) { return Parser(document).Document(); }

std::string XmlEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace millrace::io
