//! Structural models of the textbooks against their published results. The data is not part of the repository: without it each test says that it is skipped.

use rapport_models::structural::{Divisor, Fit, Kind, Model, Moments, Scale, Warning};

use crate::given;

const ABILITIES: &str = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9";
const DEMOCRACY: &str = "
    ind60 =~ x1 + x2 + x3      # industry in 1960
    dem60 =~ y1 + y2 + y3 + y4
    dem65 =~ y5 + y6 + y7 + y8
    dem60 ~ ind60
    dem65 ~ ind60 + dem60
    y1 ~~ y5; y2 ~~ y4 + y6; y3 ~~ y7; y4 ~~ y8; y6 ~~ y8";

/// Names and columns of a file of numbers; what is no number is not a number.
fn table(name: &str) -> Option<(Vec<String>, Vec<Vec<f64>>)> {
    let text = String::from_utf8(given::bytes(name)?).unwrap();
    let mut lines = text.lines().filter(|it| !it.is_empty());
    let fields = |line: &str| line.split(',').map(|it| it.trim().trim_matches('"').to_string()).collect::<Vec<_>>();
    let names = fields(lines.next().unwrap());
    let mut columns = vec![Vec::new(); names.len()];
    for line in lines {
        for (column, field) in columns.iter_mut().zip(fields(line)) {
            column.push(field.parse().unwrap_or(f64::NAN));
        }
    }
    Some((names, columns))
}

fn model(text: &str, names: &[String], scale: Scale) -> Model {
    Model::read(text, &names.iter().map(String::as_str).collect::<Vec<_>>(), scale).unwrap()
}

fn fitted(text: &str, file: &str) -> Option<Fit> {
    let (names, columns) = table(file)?;
    Some(model(text, &names, Scale::Marker).fit(&columns, Divisor::N).unwrap())
}

fn near(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() <= 0.5 * 10f64.powi(-digits) * (1.0 + 1e-9), "{found} {wanted}");
}

/// The relations in their order against the published values and standard errors.
fn all_near(fit: &Fit, kind: Kind, wanted: &[(&str, &str, f64, Option<f64>)]) {
    for (left, right, value, error) in wanted {
        let found = fit.relation(left, kind, right).unwrap();
        near(found.estimate.value, *value, 3);
        match error {
            Some(error) => near(found.estimate.standard_error.unwrap(), *error, 3),
            None => assert!(!found.free && found.estimate.standard_error.is_none()),
        }
    }
}

/// Holzinger and Swineford 1939. lavaan's tutorial; the digits beyond its three are those of a run with a tight stop.
#[test]
fn abilities_of_children() {
    let Some(fit) = fitted(ABILITIES, "sem/HolzingerSwineford1939.csv") else { return };
    let it = &fit.measures;
    assert_eq!((it.rows, it.parameters, it.degrees_of_freedom, it.baseline.1), (301, 21, 24, 36));
    let rmsea = it.rmsea.unwrap();
    for (found, wanted, digits) in [
        (it.chi_square, 85.3055, 4),
        (it.baseline.0, 918.852, 3),
        (it.cfi, 0.9306, 4),
        (it.tli, 0.8958, 4),
        (rmsea.value, 0.0921, 4),
        (rmsea.low, 0.0714, 4),
        (rmsea.high, 0.1137, 4),
        (it.p_close.unwrap(), 0.001, 3),
        (it.srmr, 0.0652, 4),
        (it.log_likelihood, -3737.7449, 4),
        (it.log_likelihood_saturated, -3695.0922, 4),
        (it.aic, 7517.490, 3),
        (it.bic, 7595.339, 3),
        (it.sabic, 7528.739, 3),
    ] {
        near(found, wanted, digits);
    }
    let loadings = [0.5535, 0.7294, 1.1131, 0.9261, 1.1799, 1.0815];
    let found = fit.relations(0.05);
    let free = found.iter().filter(|it| it.kind == Kind::Loading && it.free);
    // 1.17996 is at the edge of its last digit.
    free.zip(loadings).for_each(|(found, wanted)| assert!((found.estimate.value - wanted).abs() < 1e-4, "{found:?}"));
    all_near(
        &fit,
        Kind::Loading,
        &[
            ("visual", "x1", 1.0, None),
            ("visual", "x2", 0.554, Some(0.100)),
            ("visual", "x3", 0.729, Some(0.109)),
            ("textual", "x5", 1.113, Some(0.065)),
            ("textual", "x6", 0.926, Some(0.055)),
            ("speed", "x8", 1.180, Some(0.165)),
            ("speed", "x9", 1.082, Some(0.151)),
        ],
    );
    all_near(
        &fit,
        Kind::Covariance,
        &[
            ("visual", "textual", 0.408, Some(0.074)),
            ("visual", "speed", 0.262, Some(0.056)),
            ("textual", "speed", 0.173, Some(0.049)),
        ],
    );
    let variances = [
        ("x1", 0.549, 0.114),
        ("x2", 1.134, 0.102),
        ("x3", 0.844, 0.091),
        ("x4", 0.371, 0.048),
        ("x5", 0.446, 0.058),
        ("x6", 0.356, 0.043),
        ("x7", 0.799, 0.081),
        ("x8", 0.488, 0.074),
        ("x9", 0.566, 0.071),
        ("visual", 0.809, 0.145),
        ("textual", 0.979, 0.112),
        ("speed", 0.384, 0.086),
    ];
    variances.iter().for_each(|it| all_near(&fit, Kind::Variance, &[(it.0, it.0, it.1, Some(it.2))]));
    for (left, right, value) in [("visual", "textual", 0.459), ("visual", "speed", 0.471), ("textual", "speed", 0.283)]
    {
        near(fit.relation(left, Kind::Covariance, right).unwrap().standardised.value, value, 3);
    }
    for (left, right, value) in [
        ("visual", "visual", 0.8093),
        ("visual", "textual", 0.4082),
        ("textual", "textual", 0.9795),
        ("visual", "speed", 0.2622),
        ("textual", "speed", 0.1735),
        ("speed", "speed", 0.3837),
    ] {
        let kind = if left == right { Kind::Variance } else { Kind::Covariance };
        near(fit.relation(left, kind, right).unwrap().estimate.value, value, 4);
    }
    near(fit.relation("visual", Kind::Loading, "x2").unwrap().z.unwrap(), 5.554, 3);
    assert!(fit.warnings.is_empty());
}

/// lavaan's `modindices`, as its documentation and tutorials print them.
#[test]
fn what_freeing_a_relation_would_bring() {
    let Some(fit) = fitted(ABILITIES, "sem/HolzingerSwineford1939.csv") else { return };
    let found = fit.modifications();
    let wanted = [
        (Kind::Loading, "visual", "x9", 36.411, 0.577),
        (Kind::Covariance, "x7", "x8", 34.145, 0.536),
        (Kind::Loading, "visual", "x7", 18.631, -0.422),
        (Kind::Covariance, "x8", "x9", 14.946, -0.423),
        (Kind::Loading, "textual", "x3", 9.151, -0.272),
    ];
    for (found, (kind, left, right, index, expected)) in found.iter().zip(wanted) {
        assert_eq!((found.kind, found.left.as_str(), found.right.as_str()), (kind, left, right));
        near(found.index, index, 3);
        near(found.expected, expected, 3);
    }
    let reliable = fit.reliability();
    // Cronbach's alpha of the three scales is printed with every course on these data: .626, .883, .688.
    for (found, alpha) in reliable.iter().zip([0.626, 0.883, 0.688]) {
        near(found.alpha, alpha, 3);
        assert!((found.omega - found.composite).abs() < 0.01 && found.variance_extracted < found.omega);
    }
}

/// Bollen's democracies (1989). lavaan's tutorial.
#[test]
fn industry_and_democracy() {
    let Some(fit) = fitted(DEMOCRACY, "sem/PoliticalDemocracy.csv") else { return };
    let it = &fit.measures;
    assert_eq!((it.rows, it.parameters, it.degrees_of_freedom, it.baseline.1), (75, 31, 35, 55));
    let rmsea = it.rmsea.unwrap();
    for (found, wanted, digits) in [
        // 38.1252; the 38.1254 of another program is a looser stop.
        (it.chi_square, 38.125, 3),
        (it.p.unwrap(), 0.3292, 4),
        (it.baseline.0, 730.654, 3),
        (it.cfi, 0.9954, 4),
        (it.tli, 0.9927, 4),
        (rmsea.value, 0.035, 3),
        (rmsea.low, 0.0, 3),
        (rmsea.high, 0.092, 3),
        (it.p_close.unwrap(), 0.611, 3),
        (it.srmr, 0.044, 3),
        (it.log_likelihood, -1547.791, 3),
        (it.log_likelihood_saturated, -1528.728, 3),
        (it.aic, 3157.582, 3),
        (it.bic, 3229.424, 3),
    ] {
        near(found, wanted, digits);
    }
    // semopy prints .0347, for it divides by N − 1; by N, as lavaan does, it is .0345.
    near((it.chi_square / 35.0 - 1.0).sqrt() / 74f64.sqrt(), 0.0347, 4);
    near(rmsea.value, (it.chi_square / 35.0 - 1.0).sqrt() / 75f64.sqrt(), 12);
    all_near(
        &fit,
        Kind::Regression,
        &[
            ("dem60", "ind60", 1.483, Some(0.399)),
            ("dem65", "ind60", 0.572, Some(0.221)),
            ("dem65", "dem60", 0.837, Some(0.098)),
        ],
    );
    all_near(
        &fit,
        Kind::Covariance,
        &[
            ("y1", "y5", 0.624, Some(0.358)),
            ("y2", "y4", 1.313, Some(0.702)),
            ("y2", "y6", 2.153, Some(0.734)),
            ("y3", "y7", 0.795, Some(0.608)),
            ("y4", "y8", 0.348, Some(0.442)),
            ("y6", "y8", 1.356, Some(0.568)),
        ],
    );
    for (left, kind, right, value) in [
        ("dem60", Kind::Regression, "ind60", 0.447),
        ("dem65", Kind::Regression, "ind60", 0.182),
        ("dem65", Kind::Regression, "dem60", 0.885),
        ("ind60", Kind::Loading, "x2", 0.973),
        ("dem60", Kind::Loading, "y2", 0.717),
        ("y1", Kind::Covariance, "y5", 0.296),
        ("y6", Kind::Covariance, "y8", 0.338),
    ] {
        near(fit.relation(left, kind, right).unwrap().standardised.value, value, 3);
    }
    assert_eq!(fit.warnings, [Warning::FewRows { rows: 75, parameters: 31 }]);
}

/// N − 1 instead of N: 38.125 × 74 / 75; estimates of paths stay, variances are larger. And the units of latent variables change no fit.
#[test]
fn divisors_and_units() {
    let Some((names, columns)) = table("sem/PoliticalDemocracy.csv") else { return };
    let fit = model(DEMOCRACY, &names, Scale::Marker).fit(&columns, Divisor::N).unwrap();
    let less = model(DEMOCRACY, &names, Scale::Marker).fit(&columns, Divisor::LessOne).unwrap();
    near(less.measures.chi_square, 37.617, 3);
    let path = |it: &Fit| it.relation("dem65", Kind::Regression, "dem60").unwrap().estimate;
    let variance = |it: &Fit| it.relation("x1", Kind::Variance, "x1").unwrap().estimate.value;
    assert!((path(&fit).value - path(&less).value).abs() < 1e-7);
    assert!((variance(&fit) * 75.0 / 74.0 - variance(&less)).abs() < 1e-7);
    assert!((less.measures.log_likelihood - fit.measures.log_likelihood).abs() < 0.1);
    let unit = model(DEMOCRACY, &names, Scale::Variance).fit(&columns, Divisor::N).unwrap();
    assert!((unit.measures.chi_square - fit.measures.chi_square).abs() < 1e-8);
    for (a, b) in unit.relations(0.05).iter().zip(fit.relations(0.05)) {
        assert!((a.standardised.value - b.standardised.value).abs() < 1e-7, "{a:?} {b:?}");
    }
    // The moments alone are as good as the rows.
    let moments = Moments::of(&columns).unwrap();
    let same = model(DEMOCRACY, &names, Scale::Marker).fit_moments(&moments, Divisor::N).unwrap();
    assert!((same.measures.chi_square - fit.measures.chi_square).abs() < 1e-9);
}

/// Intervals by rows drawn again are near those of normal rows, and follow from the seed.
#[test]
fn intervals_drawn_again() {
    let Some((names, columns)) = table("sem/HolzingerSwineford1939.csv") else { return };
    let model = model(ABILITIES, &names, Scale::Marker);
    let (fit, drawn) = model.sampled(&columns, Divisor::N, 0.05, (200, 1)).unwrap();
    assert!(drawn.fitted >= 195, "{}", drawn.fitted);
    // Those of speed are wider: its measures are the ones that the model does not suit.
    let relations = fit.relations(0.05);
    for (at, it) in relations.iter().enumerate().filter(|it| it.1.kind == Kind::Loading) {
        let width = drawn.standardised[at].high - drawn.standardised[at].low;
        let normal = it.standardised.high - it.standardised.low;
        assert!((0.7..2.5).contains(&(width / normal)), "{it:?} {:?}", drawn.standardised[at]);
        assert!(drawn.standardised[at].holds(it.standardised.value));
    }
    assert_eq!(
        model.sampled(&columns, Divisor::N, 0.05, (20, 5)).unwrap().1,
        model.sampled(&columns, Divisor::N, 0.05, (20, 5)).unwrap().1
    );
}

/// The European satisfaction index of mobile telephony, ready to run: paths of composites as SmartPLS printed them, paths of covariances beside them, indices
/// from 0 to 100. Covariances say that image, expectation and quality can hardly be told apart here, which composites hide.
#[test]
fn satisfaction_with_mobile_telephony() {
    use rapport_models::survey::Confidence;
    use rapport_models::survey::satisfaction::{Asked, Form, Part, Satisfaction};
    let Some((names, columns)) = table("sem/mobi.csv") else { return };
    let prefixes = ["IMAG", "CUEX", "PERQ", "PERV", "CUSA", "CUSCO", "CUSL"];
    let asked: Vec<Asked> = Part::ALL
        .into_iter()
        .zip(prefixes)
        .map(|(part, prefix)| Asked {
            part,
            questions: (0..names.len()).filter(|at| names[*at].starts_with(prefix)).collect(),
            scale: (1.0, 10.0),
        })
        .collect();
    let rows: Vec<Vec<Option<f64>>> = (0..250).map(|row| columns.iter().map(|it| Some(it[row])).collect()).collect();
    let found =
        Satisfaction::new(Form::European, &asked).unwrap().read(&rows, Confidence::default(), (100, 1)).unwrap();
    let path = |from, to| found.paths.iter().find(|it| it.from == from && it.to == to).unwrap();
    for (from, to, wanted) in [
        (Part::Image, Part::Expectation, 0.50491),
        (Part::Expectation, Part::Quality, 0.55675),
        (Part::Quality, Part::Satisfaction, 0.51202),
        (Part::Satisfaction, Part::Loyalty, 0.48548),
        (Part::Satisfaction, Part::Complaints, 0.52807),
    ] {
        near(path(from, to).composites.value, wanted, 5);
    }
    let fit = found.covariances.as_ref().unwrap();
    assert_eq!((found.answers, fit.measures.rows, fit.measures.degrees_of_freedom), (250, 250, 241));
    let told = |it: &Warning| matches!(it, Warning::HardlyApart { to, .. } if to == "satisfaction");
    assert!(fit.warnings.iter().any(told), "{:?}", fit.warnings);
    assert!(path(Part::Satisfaction, Part::Complaints).covariances.unwrap().low > 0.4);
    assert!(found.blocks.iter().all(|it| it.index.is_some_and(|it| it.value > 40.0 && it.value < 90.0)));
}

/// A smaller model of the same answers, as the fixtures of seminr's and plspm-python's tests have it (`seminr-mobi-basic-paths.csv`): quality is made up by its questions
/// (mode B), everything else shows in them.
#[test]
fn loyalty_to_mobile_telephony_as_in_seminr() {
    use rapport_models::survey::paths::{Construct, Mode, Model, Scheme};
    let Some((names, columns)) = table("sem/mobi.csv") else { return };
    let rows: Vec<Vec<Option<f64>>> = (0..250).map(|row| columns.iter().map(|it| Some(it[row])).collect()).collect();
    let construct = |(prefix, mode): (&str, Mode)| Construct {
        indicators: (0..names.len()).filter(|at| names[*at].starts_with(prefix)).collect(),
        mode,
    };
    let asked = [
        ("IMAG", Mode::Reflective),
        ("CUEX", Mode::Reflective),
        ("PERQ", Mode::Formative),
        ("CUSCO", Mode::Reflective),
        ("CUSL", Mode::Reflective),
    ];
    let model = Model::new(asked.map(construct).to_vec(), &[(0, 1), (1, 4), (2, 4), (3, 4)]).unwrap();
    let fit = model.fit(&rows, Scheme::Path).unwrap();
    for (from, to, wanted) in
        [(0, 1, 0.512_876_954), (1, 4, 0.124_534_793), (2, 4, 0.405_693_672), (3, 4, 0.176_081_957)]
    {
        near(fit.coefficients[from][to], wanted, 6);
    }
}
