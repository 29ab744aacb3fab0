//! What columns are called: the fields an import knows, and the names shops give them in several languages.
//!
//! Always holds: names are compared folded (lower case, no accents, no blanks or marks), so "Customer ID", "customer_id" and
//! "CustomerID" are one name. A name alone never decides: [`crate::mapping`] weighs it with type and content.

use serde::{Deserialize, Serialize};

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The order's number.
    OrderId,
    /// The customer's number: one for each person.
    CustomerId,
    /// A key to the customers' file that is not the person's own number.
    CustomerKey,
    /// The customer's e-mail address.
    Email,
    /// A browser's or device's id.
    AnonymousId,
    /// When it happened (date, or date and time).
    Date,
    /// The time of day, when it has its own column.
    Time,
    /// How many pieces.
    Quantity,
    /// The price of one piece.
    Price,
    /// The amount of this line.
    LineTotal,
    /// The amount of the whole order, on one or on each of its lines.
    OrderTotal,
    /// What was taken off.
    Discount,
    /// Tax.
    Tax,
    /// Cost of shipping.
    Shipping,
    /// The currency's code.
    Currency,
    /// The product's number.
    ProductId,
    /// The product's name.
    ProductName,
    /// The product's category.
    Category,
    /// A category's name in another language.
    CategoryTranslated,
    /// The line's number within its order.
    LineNumber,
    /// The order's state.
    Status,
    /// A coupon's code.
    Coupon,
    /// How it was paid.
    PaymentMethod,
    /// An amount that was paid.
    PaymentValue,
    /// Stars or points of a review.
    Rating,
    /// A review's number.
    ReviewId,
    /// A review's title.
    ReviewTitle,
    /// A review's text.
    ReviewText,
    /// What happened.
    EventName,
    /// Says something about the customer.
    Trait,
    /// Says something about the order or event.
    Property,
    /// Says something about one line of an order.
    LineProperty,
    /// Not imported.
    Ignore,
}

/// Folded names for each field, between blanks, the usual ones first. A name stands at one field only.
pub(crate) const NAMES: &[(Field, &str)] = &[
    (
        Field::OrderId,
        "orderid order orderno ordernumber ordernr invoice invoiceno invoiceid invoicenumber transactionid \
         transaction transactionno basketid basket receipt receiptid receiptno billno billid purchaseid \
         saleid bestellnummer bestellung bestellnr bestellid auftrag auftragsnummer auftragsnr rechnung \
         rechnungsnummer rechnungsnr belegnummer belegnr bonnr pedido pedidoid idpedido numeropedido \
         numpedido notafiscal commande numerocommande factura nofactura ticketid cartid checkoutid 订单号 订单编号",
    ),
    (
        Field::CustomerId,
        "customerid customer custid cust custno customerno customernumber customernr customeruniqueid \
         clientid client clientno userid user memberid buyerid buyer shopperid personid accountid contactid \
         loyaltyid cardno cardid kunde kundenid kundennummer kundennr kdnr cliente clienteid idcliente \
         codcliente codigocliente householdkey visitorid customerref customercode clientcode clientref 客户编号 \
         客户 用户id",
    ),
    (
        Field::Email,
        "email emailaddress mail customeremail useremail contactemail buyeremail emailadresse correo \
         billingemail",
    ),
    (Field::AnonymousId, "anonymousid deviceid cookieid sessionid fullvisitorid"),
    (
        Field::Date,
        "date orderdate invoicedate orderpurchasetimestamp purchasedate purchasetimestamp purchasedat \
         transactiondate saledate timestamp datetime createdat ordercreatedat orderedat placedat completedat \
         paidat processedat occurredat originaltimestamp eventtime eventtimestamp eventdate orderts \
         orderplacedat datum bestelldatum rechnungsdatum auftragsdatum kaufdatum zeitpunkt data datapedido \
         datacompra fecha datecommande reviewcreationdate reviewdate completetimestamp dtcustomer signupdate \
         registeredat created createdon day ts bookingdate 下单时间 日期",
    ),
    (Field::Time, "time ordertime invoicetime timeofday uhrzeit zeit hora heure"),
    (
        Field::Quantity,
        "quantity qty quantities count units pieces pcs itemcount numberofitems numberofcds noofitems \
         lineitemquantity orderedquantity qtyordered menge anzahl stuck stueck quantidade qtde qtd cantidad \
         quantite 数量",
    ),
    (
        Field::Price,
        "price unitprice itemprice priceperunit productprice sellingprice saleprice lineitemprice unitcost \
         listprice preis einzelpreis stuckpreis stueckpreis preco precounitario valorunitario precio \
         preciounitario prix prixunitaire rate 单价 价格",
    ),
    (
        Field::LineTotal,
        "total amount value linetotal lineamount linevalue sales salesamount revenue spend dollarvalue \
         totalprice totalamount totalsales extendedprice netamount grossamount betrag summe umsatz gesamt \
         gesamtpreis gesamtbetrag positionssumme valor valortotal importe montant subtotal netsales turnover \
         netto brutto 金额 总价",
    ),
    (
        Field::OrderTotal,
        "ordertotal orderamount ordervalue grandtotal invoicetotal invoiceamount baskettotal basketvalue \
         bestellwert bestellsumme rechnungsbetrag auftragswert valorpedido totalpedido transactionamount \
         transactionvalue purchaseamount purchasevalue",
    ),
    (Field::Discount, "discount discountamount rabatt nachlass desconto descuento remise"),
    (Field::Tax, "tax taxes vat taxamount mwst ust steuer imposto iva tva"),
    (
        Field::Shipping,
        "shipping shippingcost freight freightvalue postage deliveryfee versand versandkosten frete envio",
    ),
    (Field::Currency, "currency currencycode waehrung wahrung moeda moneda devise"),
    (
        Field::ProductId,
        "productid product sku stockcode itemid itemno itemcode articleid article articleno productcode \
         productno asin isbn ean upc variantid lineitemsku productsku artikel artikelnr artikelnummer artnr \
         produkt produktid produto produtoid idproduto codproduto producto codigoproducto produit 商品编号 商品",
    ),
    (
        Field::ProductName,
        "description productname item itemname producttitle itemdescription productdescription lineitemname \
         articlename bezeichnung artikelbezeichnung artikelname produktname beschreibung descricao \
         nomeproduto descripcion designation 商品名称",
    ),
    (
        Field::Category,
        "category productcategory productcategoryname department level1 level2 producttype kategorie \
         warengruppe categoria rubrique itemcategory",
    ),
    (Field::CategoryTranslated, "productcategorynameenglish categoryenglish categorynameenglish"),
    (
        Field::LineNumber,
        "orderitemid linenumber lineno line lineid lineitem lineitemid position pos itemnumber \
         positionsnummer zeile",
    ),
    (
        Field::Status,
        "status orderstatus financialstatus fulfillmentstatus bestellstatus auftragsstatus situacao estado",
    ),
    (Field::Coupon, "coupon couponcode voucher vouchercode promocode discountcode gutschein gutscheincode cupom cupon"),
    (
        Field::PaymentMethod,
        "paymentmethod paymenttype payment paidby tender zahlungsart zahlart formapagamento metodopago",
    ),
    (Field::PaymentValue, "paymentvalue paymentamount amountpaid paidamount zahlungsbetrag valorpago valorpagamento"),
    (
        Field::Rating,
        "rating reviewscore score stars starrating reviewrating bewertung sterne nota avaliacao overall \
         puntuacion",
    ),
    (Field::ReviewId, "reviewid reviewno ratingid bewertungsid avaliacaoid"),
    (Field::ReviewTitle, "reviewtitle reviewcommenttitle reviewheadline summary headline betreff"),
    (
        Field::ReviewText,
        "reviewtext review reviewcommentmessage reviewbody comment comments message text feedback kommentar \
         comentario mensagem bewertungstext",
    ),
    (Field::EventName, "event eventname eventtype activity activityid action ereignis evento aktion"),
    (
        Field::Trait,
        "country city zip zipcode postcode postalcode region firstname lastname surname givenname name \
         fullname customername phone gender sex age birthday dateofbirth dob birthdate yearbirth education \
         maritalstatus income company address street suburb land ort plz vorname nachname strasse telefon \
         pais cidade uf cep ciudad nom prenom ville customertype occupation loyaltytier tier customercity \
         customerstate customerzipcodeprefix shippingcountry billingcountry customercountry language locale",
    ),
];

/// A field's names, the usual ones first.
pub(crate) fn names(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_ascii_whitespace()
}

/// A name as it is compared.
pub(crate) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'á' | 'à' | 'â' | 'ã' => folded.push('a'),
            'ö' | 'ó' | 'ò' | 'ô' | 'õ' => folded.push('o'),
            'ü' | 'ú' | 'ù' | 'û' => folded.push('u'),
            'é' | 'è' | 'ê' => folded.push('e'),
            'í' | 'ì' | 'î' => folded.push('i'),
            'ç' => folded.push('c'),
            'ñ' => folded.push('n'),
            'ß' => folded.push_str("ss"),
            '#' => folded.push_str("no"),
            '№' | '°' => folded.push_str("no"),
            c if c.is_alphanumeric() => folded.push(c),
            _ => {}
        }
    }
    folded
}

/// The words in a name: at blanks, marks and where a capital follows a small letter.
pub(crate) fn tokens(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_small) {
            words.push(String::new());
        }
        before_small = c.is_lowercase();
        if c.is_alphanumeric() {
            words.last_mut().expect("there is always a last word").push(c);
        }
    }
    words.iter().map(|word| fold(word)).filter(|word| !word.is_empty()).collect()
}

/// The field that a whole name stands for.
pub(crate) fn field_named(name: &str) -> Option<Field> {
    let folded = fold(name);
    NAMES.iter().find(|(_, list)| names(list).any(|name| name == folded)).map(|(field, _)| *field)
}

/// Whether a text is one of the names.
pub(crate) fn is_known(name: &str) -> bool {
    field_named(name).is_some()
}

/// A key for a trait or property out of a column's name: "Customer City" becomes "customer_city".
pub(crate) fn key(name: &str) -> String {
    let mut key = String::new();
    let mut before_small = false;
    for c in name.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && before_small {
                key.push('_');
            }
            key.extend(c.to_lowercase());
        } else if !key.ends_with('_') && !key.is_empty() {
            key.push('_');
        }
        before_small = c.is_lowercase() || c.is_ascii_digit();
    }
    let key = key.trim_end_matches('_');
    if key.is_empty() { "column".to_owned() } else { key.to_owned() }
}

/// The key of a trait: one word for what shops call country, city or first name in several languages.
pub(crate) fn trait_key(name: &str) -> String {
    const STANDARD: &[(&str, &str)] = &[
        ("country", "country land pais"),
        ("city", "city ort cidade ciudad ville town"),
        ("zip", "zip zipcode postcode postalcode plz cep"),
        ("first_name", "firstname givenname vorname prenom"),
        ("last_name", "lastname surname nachname"),
        ("name", "name fullname nom"),
        ("phone", "phone telefon"),
        ("street", "street strasse"),
        ("birthday", "birthday dateofbirth dob birthdate"),
        ("gender", "gender sex"),
    ];
    let key = key(name);
    let own = key.strip_prefix("customer_").filter(|rest| !rest.is_empty()).unwrap_or(&key);
    let folded = fold(own);
    let standard = STANDARD.iter().find(|(_, list)| names(list).any(|other| other == folded));
    standard.map_or_else(|| own.to_owned(), |(standard, _)| (*standard).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_once() {
        let mut seen = std::collections::HashMap::new();
        for (field, list) in NAMES {
            for name in names(list) {
                assert_eq!(fold(name), name, "{name} is not folded");
                assert_eq!(seen.insert(name, *field), None, "{name} stands twice");
            }
        }
    }

    #[test]
    fn many_spellings_one_field() {
        for name in ["CustomerID", "Customer ID", "cust", "client_id", "Kunden-Nr.", "KUNDE", "customer #"] {
            assert_eq!(field_named(name), Some(Field::CustomerId), "{name}");
        }
        for name in ["Invoice", "order_no", "Bestellnummer", "Order #", "número pedido"] {
            assert_eq!(field_named(name), Some(Field::OrderId), "{name}");
        }
        for name in ["Price", "UnitPrice", "preço", "Einzelpreis"] {
            assert_eq!(field_named(name), Some(Field::Price), "{name}");
        }
        assert_eq!(key("CustomerCity"), "customer_city");
        assert_eq!(key("Ship. Mode "), "ship_mode");
        assert_eq!((trait_key("customer_city"), trait_key("Ort")), ("city".to_owned(), "city".to_owned()));
        assert_eq!(tokens("OrderDate_UTC"), ["order", "date", "utc"]);
    }
}
