#pragma once

// How a card's JSON is read: what model_card.cc and word_cards.cc share.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/perception/model_card.h"

namespace semfield {

inline constexpr const char* kNpmPrefix = "npm:";
inline constexpr size_t kMaxCardText = 4096;
inline constexpr int kMaxCardSide = 16384;

// One JSON object of a card with the place it stands at, for messages.
class CardSection {
 public:
  CardSection(const Json& json, std::string where);

  void AllowOnly(std::initializer_list<const char*> keys) const;
  bool Has(const char* key) const { return json_.contains(key); }
  std::string At(const char* key) const { return where_ + "." + key; }
  const Json& Get(const char* key) const;
  CardSection Object(const char* key) const { return CardSection(Get(key), At(key)); }
  std::string String(const char* key) const { return StringOf(Get(key), At(key)); }
  std::string String(const char* key, const std::string& fallback) const {
    return Has(key) ? String(key) : fallback;
  }
  int64_t Integer(const char* key, int64_t low, int64_t high) const;
  int Integer(const char* key, int low, int high, int fallback) const {
    return Has(key) ? static_cast<int>(Integer(key, low, high)) : fallback;
  }
  std::array<double, 3> Triple(const char* key) const;
  // Three positive numbers.
  std::array<double, 3> Scales(const char* key) const;
  static std::string StringOf(const Json& value, const std::string& where);
  const Json& json() const { return json_; }
  const std::string& where() const { return where_; }

 private:
  const Json& json_;
  std::string where_;
};

ModelFile ParseModelFile(const CardSection& section);
std::vector<ModelTap> ParseModelTaps(const CardSection& section);
Json ModelFileToJson(const ModelFile& file);

// Of the kinds that understand words (word_cards.cc).
TextCard ParseTextCard(const CardSection& section);
ClassifierCard ParseClassifierCard(const CardSection& section);
DenseCard ParseDenseCard(const CardSection& section);
ImageTowerCard ParseImageTowerCard(const CardSection& section);
Json TextCardToJson(const TextCard& card);
Json ClassifierCardToJson(const ClassifierCard& card);
Json DenseCardToJson(const DenseCard& card);
Json ImageTowerCardToJson(const ImageTowerCard& card);

}  // namespace semfield
