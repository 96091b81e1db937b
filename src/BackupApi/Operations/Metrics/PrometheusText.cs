using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace BackupApi.Operations.Metrics;

/// <summary>Listens to our meter and writes it as Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).</summary>
internal sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly double[] Bounds = [.. Instruments.SecondsBounds];

    private readonly MeterListener listener = new();
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, Family> families = new(StringComparer.Ordinal);

    /// <param name="instruments">Exists before anybody listens.</param>
    public PrometheusText(Instruments instruments)
    {
        _ = instruments;
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == Instruments.MeterName)
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.Start();
    }

    public string Write()
    {
        var text = new StringBuilder();
        lock (gate)
        {
            foreach (var gauge in families.Values.Where(f => f.Type == "gauge"))
            {
                gauge.Series.Clear();
            }

            listener.RecordObservableInstruments();
            foreach (var (name, family) in families.Where(f => f.Value.Series.Count > 0))
            {
                text.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Help, quotes: false)).Append('\n');
                text.Append("# TYPE ").Append(name).Append(' ').Append(family.Type).Append('\n');
                foreach (var (labels, series) in family.Series)
                {
                    Write(text, name, family.Type, labels, series);
                }
            }
        }

        return text.ToString();
    }

    public void Dispose() => listener.Dispose();

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, tag) in tags)
        {
            labels.Append(labels.Length == 0 ? "" : ",").Append(key).Append("=\"").Append(Escape(tag?.ToString() ?? "", quotes: true)).Append('"');
        }

        lock (gate)
        {
            var (name, type) = NameOf(instrument);
            if (!families.TryGetValue(name, out var family))
            {
                families[name] = family = new Family(type, instrument.Description ?? "");
            }

            if (!family.Series.TryGetValue(labels.ToString(), out var series))
            {
                family.Series[labels.ToString()] = series = new Series();
            }

            series.Add(value, isLast: type == "gauge");
        }
    }

    /// <summary>Dots become underscores, the unit's word and <c>_total</c> are appended, as OpenTelemetry's mapping to Prometheus has it.</summary>
    private static (string Name, string Type) NameOf(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_');
        name += instrument.Unit switch { "By" => "_bytes", "s" => "_seconds", _ => "" };
        return instrument switch
        {
            Counter<long> => (name + "_total", "counter"),
            Histogram<double> => (name, "histogram"),
            _ => (name, "gauge"),
        };
    }

    private static void Write(StringBuilder text, string name, string type, string labels, Series series)
    {
        if (type != "histogram")
        {
            Line(text, name, labels, series.Value);
            return;
        }

        for (var i = 0; i < Bounds.Length; i++)
        {
            Line(text, name + "_bucket", Join(labels, $"le=\"{Number(Bounds[i])}\""), series.Buckets[i]);
        }

        Line(text, name + "_bucket", Join(labels, "le=\"+Inf\""), series.Count);
        Line(text, name + "_sum", labels, series.Value);
        Line(text, name + "_count", labels, series.Count);
    }

    private static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels.Length == 0 ? "" : $"{{{labels}}}").Append(' ').Append(Number(value)).Append('\n');

    private static string Join(string labels, string label) => labels.Length == 0 ? label : $"{labels},{label}";

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Escape(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }

    private sealed record Family(string Type, string Help)
    {
        public SortedDictionary<string, Series> Series { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Series
    {
        public double Value { get; private set; }

        public long Count { get; private set; }

        /// <summary>How many were no larger than each bound.</summary>
        public long[] Buckets { get; } = new long[Bounds.Length];

        public void Add(double value, bool isLast)
        {
            Value = isLast ? value : Value + value;
            Count++;
            for (var i = 0; i < Bounds.Length; i++)
            {
                Buckets[i] += value <= Bounds[i] ? 1 : 0;
            }
        }
    }
}
