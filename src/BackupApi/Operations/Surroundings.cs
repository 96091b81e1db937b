using System.Globalization;
using System.Text.RegularExpressions;
using BackupApi.Files;

namespace BackupApi.Operations;

/// <summary>Where this process runs and as whom: what a command for the person outside depends on.</summary>
/// <param name="ContainerId">The name by which the container runtime knows us; null when we run in none, or it was given a host name of its own.</param>
internal sealed partial record Surroundings(uint UserId, uint GroupId, bool IsContainer, bool IsKubernetes, string? ContainerId, ulong Capabilities)
{
    /// <summary>What the capabilities of the root mode are for (linux/capability.h). FSETID is wanted only for setgid files; a restore tells when it was.</summary>
    private static readonly (int Bit, string Name, string For)[] RootNeeds =
    [
        (0, "CHOWN", "give files back to their owners in a restore"),
        (1, "DAC_OVERRIDE", "read and write the files of other users"),
        (3, "FOWNER", "give files of other users back their modes and times"),
        (28, "LEASE", "capture databases that other users open and close again at every operation"),
    ];

    public string Who => string.Create(CultureInfo.InvariantCulture, $"{UserId}:{GroupId}");

    public static Surroundings Look()
    {
        var inDocker = File.Exists("/.dockerenv") || File.Exists("/run/.containerenv");
        var inKubernetes = Directory.Exists("/var/run/secrets/kubernetes.io");
        var host = Environment.MachineName;
        return new Surroundings(
            Posix.EffectiveUserId,
            Posix.EffectiveGroupId,
            inDocker || inKubernetes,
            inKubernetes,
            inDocker && !inKubernetes && ContainerIdPattern().IsMatch(host) ? host : null,
            ReadCapabilities());
    }

    /// <summary>What root cannot do here for want of a capability, each with its name; empty for others, who are not expected to have any.</summary>
    public IReadOnlyList<string> MissingAsRoot() =>
        UserId != 0 ? [] : [.. RootNeeds.Where(need => (Capabilities & (1UL << need.Bit)) == 0).Select(need => $"{need.Name} (to {need.For})")];

    /// <summary>One command, or where there is none one step, that makes <paramref name="folder"/> and all below it ours.</summary>
    /// <remarks><c>--volumes-from</c> knows bind mounts and named volumes of a stopped container alike, so nobody has to find out where they lie;
    /// our own image is at hand also where none can be pulled.</remarks>
    public string TakeOver(string folder) => this switch
    {
        { IsKubernetes: true } => string.Create(CultureInfo.InvariantCulture, $"In the pod's securityContext set fsGroup: {GroupId}."),
        { ContainerId: { } id } => $"Run: docker run --rm --user 0:0 --volumes-from {id} --entrypoint chown $(docker inspect -f '{{{{.Image}}}}' {id}) -R {Who} {Quoted(folder)}",
        { IsContainer: true } => $"On the host run: sudo chown -R {Who} FOLDER, where FOLDER is what is mounted on {folder}.",
        _ => $"Run: sudo chown -R {Who} {Quoted(folder)}",
    };

    private static string Quoted(string path) => PlainPath().IsMatch(path) ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static ulong ReadCapabilities()
    {
        const string Field = "CapEff:";
        try
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal));
            return ulong.TryParse(line.AsSpan(line is null ? 0 : Field.Length), NumberStyles.HexNumber | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var bits) ? bits : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    [GeneratedRegex("^[0-9a-f]{12}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex ContainerIdPattern();

    [GeneratedRegex("^[A-Za-z0-9/._-]+$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex PlainPath();
}
