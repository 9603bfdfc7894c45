#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::io {

/// An element of a small XML document, as S3 and STS answer with: no attributes kept, prefixes of names dropped.
struct XmlElement {
  std::string name;
  std::string text;  // of the element itself, entities resolved
  std::vector<XmlElement> children;

  /// The first child of a name; null without one.
  const XmlElement* Child(std::string_view child) const;
  /// Its text; empty without one.
  std::string TextOf(std::string_view child) const;
};

/// The root of a document. Error kData when it is not well-formed, is nested deeper than 16 levels or declares a DTD
/// (which could make it grow without end).
XmlElement ParseXml(std::string_view document);

/// With '&', '<', '>' and '"' escaped.
std::string XmlEscaped(std::string_view text);

}  // namespace millrace::io
